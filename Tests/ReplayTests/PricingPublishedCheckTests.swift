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

  @Test("chase pointers that all hit where the working set fits, and the same way every time")
  func chase() throws {
    let geometry = try #require(try ProfileLibrary.profile(named: ProfileLibrary.defaultName)).geometry
    var fitting = RandomAccess(bytes: 16 << 12)
    let small = fitting.run(on: geometry, accesses: 10_000)
    #expect(small.l1Hits == 10_000 && small.walks == 0 && small.walkPrice == LinearForm())
    var first = RandomAccess(bytes: 256 << 20)
    var second = RandomAccess(bytes: 256 << 20)
    let (a, b) = (first.run(on: geometry, accesses: 20_000), second.run(on: geometry, accesses: 20_000))
    #expect(a.walks == b.walks && a.references == b.references)
    // Each walk reads its leaf, and at most four entries.
    #expect(a.walks > 19_000 && a.references.wrappedSum() >= a.walks && a.references.wrappedSum() <= 4 * a.walks)
  }
}
