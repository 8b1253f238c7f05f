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

  @Test("reproduce every knee and every cost that was set, or leave it within its bracket")
  func verdicts() throws {
    let checks = try PublishedCheck.all()
    #expect(Set(checks.map(\.profile)) == Set(ProfileLibrary.names))
    let exact = checks.filter { $0.name.contains("knee") || $0.name.contains("cold walk") }
    #expect(exact.count == 9 && exact.allSatisfy { $0.verdict == .reproduced })
    #expect(checks.filter { $0.kind == .set }.allSatisfy { $0.verdict != .missed })
    let order = checks.filter { $0.name.hasPrefix("write protection less PML") }
    #expect(order.count == 3 && order.allSatisfy { $0.verdict == .reproduced && $0.modelled.low > 0 })
  }

  @Test("say reproduced, within the bracket and missed as value and bracket lie")
  func verdict() throws {
    let profile = try #require(try ProfileLibrary.profile(named: ProfileLibrary.defaultName))
    func verdict(_ modelled: Bracket, _ low: Double, _ high: Double?) -> PublishedCheck.Verdict {
      PublishedCheck("x", of: profile, .set, modelled: modelled, published: low, to: high, source: "s").verdict
    }
    let modelled = Bracket(low: 10, value: 20, high: 30)
    #expect(verdict(modelled, 20, 20) == .reproduced)
    #expect(verdict(modelled, 5, nil) == .reproduced)
    #expect(verdict(modelled, 30, 40) == .withinBracket)
    #expect(verdict(modelled, 1, 10) == .withinBracket)
    #expect(verdict(modelled, 31, nil) == .missed)
    #expect(verdict(modelled, 1, 9) == .missed)
  }

  @Test("reproduce the walk penalties of Haswell-EP and Skylake-X, and say why they miss any other")
  func walkPenalties() throws {
    let checks = try PublishedCheck.all().filter { $0.name.hasPrefix("walk of a random access") }
    #expect(checks.count == 6 && checks.allSatisfy { $0.kind == .emerges })
    for check in checks where ["haswell-ep", "skylake-sp"].contains(check.profile) {
      #expect(check.verdict != .missed, "\(check.profile), \(check.name): \(check.modelled)")
    }
    #expect(checks.allSatisfy { ($0.verdict == .missed) == ($0.reason != nil) })
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
