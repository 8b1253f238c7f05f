import Testing

@testable import Replay

@Suite("Published checks")
struct PricingPublishedCheckTests {
  @Test("find the knees of both TLBs where their sizes are", arguments: ProfileLibrary.names)
  func knees(name: String) throws {
    let geometry = try #require(try ProfileLibrary.profile(named: name)).geometry
    let knees = CyclicAccess.knees(of: geometry)
    #expect(knees.l1 == geometry.l1StoreTLB.entries && knees.stlb == geometry.stlb.entries)
  }

  @Test("count 24 references of a cold two-dimensional walk")
  func coldWalk() {
    #expect(ColdWalk.references() == 24)
  }

  @Test("are of three kinds, each with both ends, and miss nothing that is not known beforehand")
  func verdicts() throws {
    let checks = try PublishedCheck.all()
    #expect(Set(checks.map(\.profile)) == Set(ProfileLibrary.names))
    #expect(Set(checks.map(\.kind)) == Set(PublishedCheck.Kind.allCases))
    let order = checks.compactMap { PublishedCheck.Kind.allCases.firstIndex(of: $0.kind) }
    #expect(order == order.sorted() && order.count == checks.count)
    for check in checks {
      #expect(check.publishedLow <= check.publishedHigh && check.publishedHigh.isFinite, "\(check.name)")
      #expect(!check.isNews, "\(check.profile), \(check.name): \(check.modelled)")
    }
    let exact = checks.filter { $0.name.contains("knee") || $0.name.contains("cold walk") }
    #expect(exact.count == 9 && exact.allSatisfy { $0.verdict == .reproduced && $0.kind == .identity })
    #expect(checks.filter { $0.kind == .identity }.allSatisfy { $0.verdict != .missed })
  }

  @Test("list as known only checks that there are, each once and with a reason")
  func knownMisses() throws {
    let checks = try PublishedCheck.all()
    let known = try KnownMiss.all()
    #expect(Set(known.map { $0.profile + $0.check }).count == known.count)
    for miss in known {
      #expect(checks.contains { $0.profile == miss.profile && $0.name == miss.check }, "\(miss.check)")
      #expect(!miss.reason.isEmpty)
    }
  }

  @Test("say reproduced, within the bracket and missed as value and bracket lie, and what of it is news")
  func verdict() {
    func check(_ modelled: Bracket, _ low: Double, _ high: Double, known: String? = nil) -> PublishedCheck {
      var check = PublishedCheck("x", of: "p", .emergent, modelled: modelled, published: low, to: high, source: "s")
      check.knownMiss = known
      return check
    }
    let modelled = Bracket(low: 10, value: 20, high: 30)
    #expect(check(modelled, 20, 20).verdict == .reproduced)
    #expect(check(modelled, 30, 40).verdict == .withinBracket)
    #expect(check(modelled, 1, 10).verdict == .withinBracket)
    #expect(check(modelled, 31, 40).verdict == .missed)
    #expect(check(modelled, 1, 9).verdict == .missed)
    #expect(check(modelled, 1, 9).isNews && !check(modelled, 1, 9, known: "why").isNews)
    #expect(!check(modelled, 20, 20).isNews && check(modelled, 20, 20, known: "why").isNews)
  }

  @Test("reproduce the walk penalties of Haswell-EP and Skylake-X")
  func walkPenalties() throws {
    let checks = try PublishedCheck.all().filter { $0.name.hasPrefix("walk of a random access") }
    #expect(checks.count == 6 && checks.allSatisfy { $0.kind == .emergent })
    for check in checks where ["haswell-ep", "skylake-sp"].contains(check.profile) {
      #expect(check.verdict != .missed, "\(check.profile), \(check.name): \(check.modelled)")
    }
  }

  private func chase(_ bytes: UInt64, _ pages: PointerChase.PageSize, accesses: Int) throws -> PointerChase.Counts {
    let geometry = try #require(try ProfileLibrary.profile(named: ProfileLibrary.defaultName)).geometry
    return PointerChase(bytes: bytes, pages: pages, part: .skylakeX, geometry: geometry).run(accesses: accesses)
  }

  @Test("chase pointers that all hit where the working set fits, and the same way every time")
  func chase() throws {
    let small = try chase(16 << 12, .small, accesses: 20_000)
    #expect(small.l1Hits == 20_000 && small.walks == 0 && small.references == SIMD4())
    // 64 KiB of data do not fit 32 KiB, and fit the second-level cache.
    #expect(small.loads[0] > 0 && small.loads[1] > 0 && small.loads[0] + small.loads[1] == 20_000)
    let (a, b) = (try chase(256 << 20, .small, accesses: 20_000), try chase(256 << 20, .small, accesses: 20_000))
    #expect(a.walks == b.walks && a.references == b.references && a.loads == b.loads)
    // Each walk reads its leaf, and at most four entries.
    #expect(a.walks > 19_000 && a.references.wrappedSum() >= a.walks && a.references.wrappedSum() <= 4 * a.walks)
    #expect(a.loads.wrappedSum() == 20_000)
  }

  @Test(
    "need no walk on pages of 2 MiB that the second-level TLB holds, and few where the data leaves no room for tables")
  func largePages() throws {
    let large = try chase(512 << 20, .large, accesses: 50_000)
    #expect(large.walks == 0 && large.l1Hits < 50_000)
    // Without competition all lines of page tables would stay in the second-level cache: 512 MB have 16 384 of them.
    let small = try chase(512 << 20, .small, accesses: 300_000)
    let leaves = small.references[1] + small.references[2]
    #expect(small.references[2] > leaves / 4 && small.references[1] > leaves / 4)
  }
}
