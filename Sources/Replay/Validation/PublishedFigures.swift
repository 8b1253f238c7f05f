extension PublishedCheck {
  /// What the two-dimensional walk reads with nothing cached; the same for every profile.
  static func coldWalk(of profile: CycleProfile) -> [PublishedCheck] {
    [
      PublishedCheck(
        "cold walk, four guest levels through four EPT levels, references", of: profile.name, .identity,
        modelled: exactly(ColdWalk.references().map { Double($0) } ?? 0), published: 24, to: 24,
        source: "4 x 5 + 4: each guest entry and the page through EPT")
    ]
  }

  /// Working sets up to the size of a TLB hit it, one page more misses.
  static func knees(of profile: CycleProfile) -> [PublishedCheck] {
    let published: [String: (l1: Double, stlb: Double)] = [
      "haswell-ep": (64, 1024), "skylake-sp": (64, 1536), "icelake-sp": (16, 2048), "sapphire-rapids": (16, 2048),
    ]
    guard let expected = published[profile.name] else { return [] }
    let knees = CyclicAccess.knees(of: profile.geometry)
    func check(_ name: String, _ knee: Int, _ expected: Double) -> PublishedCheck {
      PublishedCheck(
        name, of: profile.name, .identity, modelled: exactly(Double(knee)), published: expected, to: expected,
        source: "published sizes of this processor's TLBs")
    }
    return [
      check("first-level store TLB knee, pages", knees.l1, expected.l1),
      check("second-level TLB knee, pages", knees.stlb, expected.stlb),
    ]
  }

  /// Costs that were set from what is published.
  static func setCosts(of profile: CycleProfile) -> [PublishedCheck] {
    func check(_ name: String, _ modelled: Bracket, _ low: Double, _ high: Double, _ source: String) -> PublishedCheck {
      PublishedCheck(name, of: profile.name, .identity, modelled: modelled, published: low, to: high, source: source)
    }
    let exit = profile.cost(of: .vmcallRoundTrip).bracket
    let vmfunc = profile.cost(of: .vmfuncSwitch).bracket
    switch profile.name {
    case "skylake-sp":
      var rootChange = PriceList.price(of: .hypercallExits)
      rootChange.add(PriceList.price(of: .eptpWrites), times: 1)
      return [
        check(
          "VMCALL round trip, cycles within 5 %", exit, 1529 * 0.95, 1529 * 1.05, "KVM patch series on Skylake-SP, 2020"
        ),
        check(
          "exit that changes the EPTP, cycles", rootChange.priced(by: profile), 4879, 4879,
          "CR0.WP written with a change of the root, KVM 2022"),
      ]
    case "sapphire-rapids":
      return [
        check("VMFUNC, cycles within 5 %", vmfunc, 198.82 * 0.95, 198.82 * 1.05, "BULKHEAD, Table III, i7-12700H"),
        check(
          "null hypercall over VMFUNC", ratio(exit, 1, vmfunc), 14.6 * 0.95, 14.6 * 1.05,
          "BULKHEAD, Table III, i7-12700H"),
      ]
    default: return []
    }
  }

  /// What a walk adds to a random access, on average: natively, on the part that was measured.
  static func walkPenalties(of profile: CycleProfile) -> [PublishedCheck] {
    let published: [String: (low: Double, high: Double, part: MeasuredPart)] = [
      "haswell-ep": (43, 54, .haswellEP), "skylake-sp": (25, 57, .skylakeX), "sapphire-rapids": (39, 41, .alderLakeP),
    ]
    guard let expected = published[profile.name] else { return [] }
    return [128 as UInt64, 512].map { megabytes in
      let penalty = PointerChase.walkPenalty(
        bytes: megabytes << 20, part: expected.part, geometry: profile.geometry, accesses: 300_000)
      return PublishedCheck(
        "walk of a random access to \(megabytes) MB, cycles", of: profile.name, .emergent,
        modelled: penalty.priced(by: profile), published: expected.low, to: expected.high,
        source: "published pointer chases at 128 and 512 MB, \(expected.part.name)")
    }
  }

  /// Page-modification logging as a part of write protection, each per dirtied page: published are an overhead and "near
  /// native", which is read as a tenth of the guest's time at most.
  static func dirtyTracking(of profile: CycleProfile) -> [PublishedCheck] {
    guard profile.features.contains(.pml) else { return [] }
    var protecting = PriceList.price(of: .violationExits)
    protecting.add(PriceList.price(of: .entryEdits), times: 2)
    var logging = PriceList.price(of: .pmlEntries)
    logging.add(PriceList.price(of: .pmlDrains), times: 1)
    logging.add(PriceList.price(of: .pmlFullExits), times: 1 / 512)
    return [
      PublishedCheck(
        "PML over write protection, a dirtied page, per cent", of: profile.name, .emergent,
        modelled: ratio(logging.priced(by: profile), 0.01, protecting.priced(by: profile)), published: 0,
        to: 100 * 10 / 175.5,
        source: "JANUS, OSDI'26: write protection +175.5 %, PML near native, read as +10 % at most")
    ]
  }

  /// Figures that nothing was set from.
  static func predictions(of profile: CycleProfile) -> [PublishedCheck] {
    guard profile.name == ProfileLibrary.defaultName else { return [] }
    let exit = profile.cost(of: .vmcallRoundTrip).bracket
    let vmfunc = profile.cost(of: .vmfuncSwitch).bracket
    var fault = PriceList.price(of: .violationExits)
    fault.add(PriceList.price(of: .entryEdits), times: 1)
    return [
      PublishedCheck(
        "VMCALL over a gate of three VMFUNCs", of: profile.name, .heldOut, modelled: ratio(exit, 3, vmfunc),
        published: 3.57 * 0.95, to: 3.57 * 1.05, source: "ELISA README: 707 ns against 198 ns"),
      PublishedCheck(
        "VMCALL round trip, ns", of: profile.name, .heldOut,
        modelled: nanoseconds(exit, of: profile), published: 707 * 0.95, to: 707 * 1.05,
        source: "ELISA README: 707 ns"),
      PublishedCheck(
        "write-protect fault under KVM, ns", of: profile.name, .heldOut,
        modelled: nanoseconds(fault.priced(by: profile), of: profile), published: 480, to: 960,
        source: "0.96 us with two vCPUs faulting, of which half at most is waiting for the lock"),
    ]
  }

  private static func exactly(_ value: Double) -> Bracket { Bracket(low: value, value: value, high: value) }

  /// A quotient; what both sides share is taken as if it moved apart.
  private static func ratio(_ a: Bracket, _ times: Double, _ b: Bracket) -> Bracket {
    Bracket(low: a.low / (times * b.high), value: a.value / (times * b.value), high: a.high / (times * b.low))
  }

  /// Cycles as time, at the clock and its range.
  static func nanoseconds(_ cycles: Bracket, of profile: CycleProfile) -> Bracket {
    let clock = profile.processor.frequencyMHz
    return Bracket(
      low: cycles.low * 1000 / clock.high, value: cycles.value * 1000 / clock.value,
      high: cycles.high * 1000 / clock.low)
  }
}
