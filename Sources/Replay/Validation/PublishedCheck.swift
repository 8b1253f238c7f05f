/// A published measurement held against what the model says.
public struct PublishedCheck: Codable, Equatable, Sendable {
  /// How much a check proves.
  public enum Kind: String, Codable, Sendable {
    /// The figure emerges from the modelled caches; nothing was set to it.
    case emerges
    /// The figure follows from costs that were set, so it says only that they were set well.
    case set
  }

  /// What came out.
  public enum Verdict: String, Codable, Sendable {
    /// The modelled value lies within what was published.
    case reproduced
    /// Only part of the modelled bracket does.
    case withinBracket = "within_bracket"
    /// Nothing of the modelled bracket does.
    case missed
  }

  /// What was measured, with its unit.
  public let name: String
  /// The profile that models it.
  public let profile: String
  /// How much it proves.
  public let kind: Kind
  /// What the model says.
  public let modelled: Bracket
  /// Least published value.
  public let publishedLow: Double
  /// Greatest published value; nil where only an order was published.
  public let publishedHigh: Double?
  /// Who published it.
  public let source: String
  /// What came out.
  public let verdict: Verdict
  /// Why the model misses it, as far as that is known; nil unless it does.
  public let reason: String?

  init(
    _ name: String, of profile: CycleProfile, _ kind: Kind, modelled: Bracket, published low: Double,
    to high: Double?, source: String, missedBecause reason: String? = nil
  ) {
    self.name = name
    self.profile = profile.name
    self.kind = kind
    self.modelled = modelled
    publishedLow = low
    publishedHigh = high
    self.source = source
    let most = high ?? .infinity
    verdict =
      low <= modelled.value && modelled.value <= most
      ? .reproduced : modelled.low <= most && modelled.high >= low ? .withinBracket : .missed
    self.reason = verdict == .missed ? reason : nil
  }

  enum CodingKeys: String, CodingKey {
    case name, profile, kind, modelled, source, verdict, reason
    case publishedLow = "published_low"
    case publishedHigh = "published_high"
  }
}

extension PublishedCheck {
  /// Every check of the embedded profiles, the weighty ones first.
  public static func all() throws -> [PublishedCheck] {
    var checks: [PublishedCheck] = []
    for name in ProfileLibrary.names {
      guard let profile = try ProfileLibrary.profile(named: name) else { continue }
      if name == ProfileLibrary.defaultName { checks += coldWalk(of: profile) }
      checks += knees(of: profile) + walkPenalties(of: profile) + dirtyTracking(of: profile) + costs(of: profile)
    }
    return checks.filter { $0.kind == .emerges } + checks.filter { $0.kind == .set }
  }

  /// What the two-dimensional walk reads with nothing cached; the same for every profile.
  private static func coldWalk(of profile: CycleProfile) -> [PublishedCheck] {
    [
      PublishedCheck(
        "cold walk, four guest levels through four EPT levels, references", of: profile, .emerges,
        modelled: exactly(ColdWalk.references().map { Double($0) } ?? 0), published: 24, to: 24,
        source: "4 x 5 + 4: each guest entry and the page through EPT")
    ]
  }

  /// Working sets up to the size of a TLB hit it, one page more misses.
  private static func knees(of profile: CycleProfile) -> [PublishedCheck] {
    let published: [String: (l1: Double, stlb: Double)] = [
      "haswell-ep": (64, 1024), "skylake-sp": (64, 1536), "icelake-sp": (16, 2048), "sapphire-rapids": (16, 2048),
    ]
    guard let expected = published[profile.name] else { return [] }
    let knees = CyclicAccess.knees(of: profile.geometry)
    func check(_ name: String, _ knee: Int, _ expected: Double) -> PublishedCheck {
      PublishedCheck(
        name, of: profile, .emerges, modelled: exactly(Double(knee)), published: expected, to: expected,
        source: "published sizes of this processor's TLBs")
    }
    return [
      check("first-level store TLB knee, pages", knees.l1, expected.l1),
      check("second-level TLB knee, pages", knees.stlb, expected.stlb),
    ]
  }

  /// What a walk adds to a random access, on average: natively, on the part that was measured.
  private static func walkPenalties(of profile: CycleProfile) -> [PublishedCheck] {
    let published: [String: (low: Double, high: Double, part: MeasuredPart, missed: String?)] = [
      "haswell-ep": (43, 54, .haswellEP, nil), "skylake-sp": (25, 57, .skylakeX, nil),
      "sapphire-rapids": (
        39, 41, .alderLakeP,
        "published for a client part of the same core, nearly alike at both sizes, while the model follows the page-table "
          + "lines from the second-level cache at 128 MB to the last-level cache at 512 MB; neither a fixed cost of the "
          + "page walker nor that part's last-level latency was found published"
      ),
    ]
    guard let expected = published[profile.name] else { return [] }
    return [128 as UInt64, 512].map { megabytes in
      let penalty = PointerChase.walkPenalty(
        bytes: megabytes << 20, part: expected.part, geometry: profile.geometry, accesses: 300_000)
      return PublishedCheck(
        "walk of a random access to \(megabytes) MB, cycles", of: profile, .emerges,
        modelled: penalty.priced(by: profile), published: expected.low, to: expected.high,
        source: "published pointer chases at 128 and 512 MB, \(expected.part.name)", missedBecause: expected.missed)
    }
  }

  /// Write-protect dirty tracking against page-modification logging, each per dirtied page; only the order is published.
  private static func dirtyTracking(of profile: CycleProfile) -> [PublishedCheck] {
    guard profile.features.contains(.pml) else { return [] }
    var protecting = PriceList.price(of: .violationExits)
    protecting.add(PriceList.price(of: .entryEdits), times: 2)
    var logging = PriceList.price(of: .pmlEntries)
    logging.add(PriceList.price(of: .pmlDrains), times: 1)
    logging.add(PriceList.price(of: .pmlFullExits), times: 1 / 512)
    return [
      PublishedCheck(
        "write protection less PML, cycles a dirtied page", of: profile, .set,
        modelled: (protecting - logging).priced(by: profile), published: 1, to: nil,
        source: "JANUS, OSDI'26: write protection +175.5 %, PML near native")
    ]
  }

  private static func costs(of profile: CycleProfile) -> [PublishedCheck] {
    func check(_ name: String, _ modelled: Bracket, _ low: Double, _ high: Double, _ source: String) -> PublishedCheck {
      PublishedCheck(name, of: profile, .set, modelled: modelled, published: low, to: high, source: source)
    }
    let exit = profile.cost(of: .vmcallRoundTrip).bracket
    let vmfunc = profile.cost(of: .vmfuncSwitch).bracket
    switch profile.name {
    case "skylake-sp":
      return [
        check(
          "VMCALL round trip, cycles within 5 %", exit, 1529 * 0.95, 1529 * 1.05, "KVM patch series on Skylake-SP, 2020"
        ),
        check(
          "VMCALL over a gate of three VMFUNCs", ratio(exit, 3, vmfunc), 3.57 * 0.95, 3.57 * 1.05,
          "ELISA README: 707 ns against 198 ns"),
      ]
    case "sapphire-rapids":
      return [
        check(
          "VMFUNC, cycles within 5 %", vmfunc, 198.82 * 0.95, 198.82 * 1.05, "BULKHEAD, Table III, i7-12700H"),
        check(
          "null hypercall over VMFUNC", ratio(exit, 1, vmfunc), 14.6 * 0.95, 14.6 * 1.05,
          "BULKHEAD, Table III, i7-12700H"),
      ]
    default: return []
    }
  }

  private static func exactly(_ value: Double) -> Bracket { Bracket(low: value, value: value, high: value) }

  private static func ratio(_ a: Bracket, _ times: Double, _ b: Bracket) -> Bracket {
    Bracket(low: a.low / (times * b.high), value: a.value / (times * b.value), high: a.high / (times * b.low))
  }
}
