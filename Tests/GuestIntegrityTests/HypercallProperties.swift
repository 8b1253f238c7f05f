import SeededRandom
import Addresses
import EPT
import MonitorTree
import Testing

@testable import GuestIntegrity

/// Hypercalls with any registers: what a hostile guest can do to the interface.
@Suite("Hypercalls with any arguments")
struct HypercallProperties {
  /// A register: small, near the bounds that matter, or any 64 bits.
  static func register(_ random: inout SplitMix64) -> UInt64 {
    let pages = Fixture.ramPages
    switch random.below(8) {
    case 0: return random.below(16)
    case 1: return random.below(pages)
    case 2: return pages - random.below(4)
    case 3: return 0x7f0 + random.below(0x90)
    case 4: return (0x7f0 + random.below(0x90)) << 12 | random.below(8)
    case 5: return Fixture.linearBase + random.below(0x2000)
    case 6: return 1 << random.below(64) &- random.below(3)
    default: return random.next()
    }
  }

  static func call(_ random: inout SplitMix64) -> Hypercall {
    let known = HypercallNumber.allCases.randomElement(using: &random)?.rawValue ?? 0
    var call = Hypercall(
      number: random.below(20) == 0 ? register(&random) : known, rdi: register(&random), rsi: register(&random),
      rdx: register(&random), r10: register(&random), rip: GuestLinearAddress(Fixture.linearBase + 0x300),
      ripAddress: GuestPhysicalAddress(Fixture.code.first.address.rawValue + 0x300))
    // Half of the calls have arguments that could be served.
    if random.below(2) == 0 {
      (call.rdi, call.rsi) = (0x900 + random.below(0x3000), 1 + random.below(600))
      (call.rdx, call.r10) = (random.below(0x1ff), random.below(5))
    }
    if random.below(4) == 0 {
      let offset = random.below(2) == 0 ? Fixture.entryOffset : Fixture.exitOffset
      call.rip = GuestLinearAddress(Fixture.linearBase + offset)
      call.ripAddress = GuestPhysicalAddress(Fixture.code.first.address.rawValue + offset)
    }
    if random.below(8) == 0 { call.rip = GuestLinearAddress(register(&random)) }
    if random.below(8) == 0 { call.ripAddress = GuestPhysicalAddress(register(&random)) }
    if random.below(8) == 0 { call.rflags = register(&random) }
    if random.below(8) == 0 { call.cpl = UInt8(random.below(4)) }
    return call
  }

  /// All that a refused call must leave as it was.
  struct State: Equatable {
    var snapshot: Snapshot
    var pages: [PageView?]

    init(_ fixture: Fixture) {
      snapshot = fixture.hypervisor.snapshot()
      snapshot.counters = Counters()
      pages = stride(from: UInt64(0), to: Fixture.ramPages, by: 251).flatMap { number in
        TableSet.allCases.map { PageView(GuestPageNumber(number), in: $0, of: fixture) }
      }
    }
  }

  @Test(
    "return documented codes, and change nothing when refused", arguments: Mechanism.switchings,
    [1, 2, 3] as [UInt64])
  func anyArguments(switching: any Switching, seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let fixture = try Fixture(switching, vcpus: 2) { $0.allowsShutdown = true }
    if seed % 3 != 0 { try fixture.arm() }
    var executed: Set<HypercallNumber> = []
    for step in 0..<600 {
      let vcpu = Int(random.below(2))
      if random.below(3) == 0 { fixture.enter(on: vcpu) }
      if random.below(60) == 0 || fixture.hypervisor.registration == nil && random.below(6) == 0 {
        fixture.hypervisor.reset()
        if random.below(3) != 0 { try fixture.arm() }
      }
      let call = Self.call(&random)
      // VMFUNC asks nobody; the set of whoever executes it in foreign code is taken away again.
      let isVMFUNC = switching == .eptpByVMFUNC && [.enter, .exit].contains(HypercallNumber(rawValue: call.number))
      // Nor does integrity mode outlast a call from elsewhere, whatever comes of the call.
      let isForeign =
        fixture.hypervisor.mode(of: vcpu) == .integrity
        && fixture.hypervisor.registration?.code.contains(call.ripAddress.page) == false
      let before = State(fixture)
      let result = fixture.hypervisor.hypercall(call, on: vcpu)
      let number = HypercallNumber(rawValue: call.number)
      guard result.isSuccess else {
        try #require(result.error != nil, "seed \(seed), step \(step): undocumented code \(result.rawValue)")
        if isForeign {
          try #require(fixture.hypervisor.mode(of: vcpu) == .normal, "seed \(seed), step \(step): \(call)")
        }
        try #require(
          isVMFUNC || isForeign || State(fixture) == before, "seed \(seed), step \(step): \(call) changed something")
        continue
      }
      if let number { executed.insert(number) }
      if step % 40 == 0 {
        try #require(fixture.hypervisor.audit() == [], "seed \(seed), step \(step)")
        try #require(PageView.differences(in: fixture) == [], "seed \(seed), step \(step)")
      }
    }
    // The random calls must get through often enough to be worth the name.
    #expect(executed.isSuperset(of: [.protect, .query]), "seed \(seed): only \(executed)")
  }

  @Test("from a vCPU that does not exist are refused", arguments: [-1, 2, Int.max, Int.min])
  func noSuchVCPU(vcpu: Int) throws {
    let fixture = try Fixture.armed(vcpus: 2)
    #expect(fixture.call(.query, 0, on: vcpu).error == .noSuchVCPU)
    #expect(
      fixture.hypervisor.handle(
        Store(vcpu: vcpu, address: GuestPhysicalAddress(0), size: 8), violation: try fixture.violation()
      ).finding == .notMine)
    fixture.hypervisor.integrityFault(.exception, on: vcpu, address: GuestPhysicalAddress(0), time: 0)
    fixture.hypervisor.advance(to: .max, on: vcpu)
    fixture.hypervisor.openView(on: vcpu, by: .vmcsWrite)
    fixture.hypervisor.closeView(on: vcpu, by: .vmcsWrite)
    #expect(fixture.hypervisor.drainModificationLog(of: vcpu, time: 0) == [])
  }

  @Test("and stores of any address and size are judged without harm", arguments: [1, 2, 3] as [UInt64])
  func anyStore(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let fixture = try Fixture.armed(vcpus: 2)
    let violation = try fixture.violation()
    for _ in 0..<2000 {
      var store = Store(
        vcpu: Int(random.below(3)), address: GuestPhysicalAddress(Self.register(&random)),
        size: Int(truncatingIfNeeded: random.below(4) == 0 ? random.next() : random.below(80)),
        value: StoredValue(low: random.next(), high: random.next()))
      if random.below(2) == 0 { store.secondPage = GuestPageNumber(Self.register(&random)) }
      _ = fixture.hypervisor.handle(store, violation: violation)
      _ = fixture.hypervisor.handleDeviceStore(store)
    }
    #expect(fixture.hypervisor.audit() == [])
  }

  @Test("protect what they say, page by page, against a list of claims", arguments: [1, 2, 3, 4] as [UInt64])
  func againstModel(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let switching = Mechanism.switchings[Int(seed) % 4]
    let fixture = try Fixture.armed(switching)
    var claims: [UInt64: [UInt16: AlertActions]] = [:]
    for page in Fixture.text.all { claims[page.rawValue] = [1: [.count, .log]] }
    fixture.enter()
    for step in 0..<150 {
      let first = 0x1000 + random.below(0x2000)
      let range = Fixture.pages(first, 1 + random.below(random.below(4) == 0 ? 900 : 12))
      let region = UInt16(1 + random.below(4))
      let actions = AlertActions(rawValue: UInt16(random.below(8)))
      let pages = range.all.map(\.rawValue)
      switch random.below(3) {
      case 0:
        let result = fixture.protect(range, actions, region: UInt64(region))
        try #require(result == .success, "seed \(seed), step \(step)")
        for page in pages { claims[page, default: [:]][region, default: []].formUnion(actions) }
      case 1:
        let all = random.below(3) == 0
        let claimed = pages.contains { claims[$0]?.contains { all || $0.key == region } == true }
        let result = fixture.unprotect(range, region: all ? 0 : UInt64(region))
        try #require(result == (claimed ? .success : .refused(.notProtected)), "seed \(seed), step \(step)")
        for page in pages { if all { claims[page] = nil } else { claims[page]?[region] = nil } }
      default:
        let claimed = pages.contains { claims[$0]?[region] != nil }
        let result = fixture.call(
          .setAction, range.first.rawValue, range.count, UInt64(actions.rawValue), UInt64(region))
        try #require(result == (claimed ? .success : .refused(.notProtected)), "seed \(seed), step \(step)")
        for page in pages where claims[page]?[region] != nil { claims[page]?[region] = actions }
      }
      guard step % 15 == 0 else { continue }
      for page in UInt64(0x0f00)..<0x3400 {
        let expected = claims[page].flatMap { $0.isEmpty ? nil : $0 }
        let answer = UInt64(bitPattern: fixture.call(.query, page).rawValue)
        let union = expected.map { $0.values.reduce(into: AlertActions()) { $0.formUnion($1) } }
        let found = answer == 0 ? nil : AlertActions(rawValue: UInt16(answer & 0xfff))
        try #require(found == union, "seed \(seed), step \(step), page \(page)")
        let region = expected?.keys.min() ?? 0
        try #require(UInt16(truncatingIfNeeded: answer >> 16) == region, "seed \(seed), step \(step), page \(page)")
      }
      try #require(PageView.differences(in: fixture) == [], "seed \(seed), step \(step)")
    }
  }
}

extension Fixture {
  /// The violation of a store to a protected page.
  func violation() throws -> EPTViolation {
    guard case .violation(let violation) = walk(Self.text.first.address, .dataWrite, in: .normal) else {
      throw FixtureError.notArmed([])
    }
    return violation
  }
}
