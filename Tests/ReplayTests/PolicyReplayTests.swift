import Addresses
import Foundation
import GuestIntegrity
import MonitorTree
import SeededRandom
import Testing
import Recordings

@testable import Replay

/// A small recording with or without a driver, whose stores are kept beside it.
private struct PolicyTrace {
  static let code: UInt64 = 0x10
  static let data: UInt64 = 0x11
  static let nodes: UInt64 = 0x12
  static let linear: UInt64 = 0xffff_ffff_c000_0000
  static let mark: UInt64 = 40
  static let symbols: [RecordingDescription.Symbol] = [
    .init(name: "first_by_address", gpa: 0x40_000, size: 0x20), .init(name: "large", gpa: 0x40_020, size: 0xe00),
    .init(name: "inner", gpa: 0x40_100, size: 8), .init(name: "across", gpa: 0x50_ff0, size: 0x20),
  ]

  let path: String
  /// Address and size of each store, and whether the mark came before it.
  private(set) var stores: [(address: UInt64, size: Int, isArmed: Bool)] = []
  /// Each vCPU's own instructions where the mark is, or at its first store behind it.
  private(set) var armed: [UInt64?] = [nil, nil]
  private let writer: RecordingWriter
  private var count: UInt64 = 0
  private var isArmed = false

  /// Stores of this seed; `asking` is what the driver, if there is one, asks for in its first window after the mark,
  /// instead of what else it would.
  init(seed: UInt64, name: String, hasDriver: Bool, asking: ResolvedPolicy? = nil) throws {
    path =
      FileManager.default.temporaryDirectory.appendingPathComponent("gi-policy-\(seed)-\(name)-\(getpid()).trace").path
    var description = RecordingDescription(
      title: "policy", origin: .synthetic, guest: .init(ramBytes: 1 << 21, vcpus: 2), recorder: .init(name: "tests"))
    description.regions = (asking?.regions ?? []).flatMap { region in
      region.bytes.map { .init(id: region.id, name: region.name, gpa: $0.lowerBound, bytes: UInt64($0.count)) }
    }
    description.symbols = Self.symbols
    description.marks = [.init(id: Self.mark, name: "arm-here"), .init(id: 41, name: "never")]
    writer = try RecordingWriter(
      path: path, description: description, options: .init(level: 1, runsPerBlock: 53, accessesPerBlock: 400))
    var random = SplitMix64(seed: seed)
    try store(200, &random)
    if hasDriver {
      try call(.initialise, at: 0, Self.code << 12 | 1, Self.data << 12 | 1, Self.linear | 0x40, Self.linear | 0x80)
      try call(.enter, at: 0x40)
      try call(.donateNode, at: 0x44, Self.nodes, 32)
      // What the driver asks, and a policy replaces.
      if asking == nil { try call(.protect, at: 0x48, 0x60, 8, 1, 9) }
      try call(.exit, at: 0x80)
    }
    try store(200, &random)
    count += 1
    try writer.event(.mark(.init(vcpu: 0, count: count, id: Self.mark, rip: GuestLinearAddress(0))))
    isArmed = true
    armed[0] = count
    if hasDriver {
      try call(.enter, at: 0x40)
      if asking == nil { try call(.setAction, at: 0x48, 0x60, 8, 3, 9) }
      for asked in asking?.calls ?? [] {
        try call(.protect, at: 0x80, asked.call.rdi, asked.call.rsi, asked.call.rdx, asked.call.r10)
      }
      try call(.exit, at: 0x80)
    }
    try store(600, &random)
    // From elsewhere than the driver's code: stays as recorded, and is refused.
    if hasDriver { try call(.unprotect, at: 0x5000, 0x40, 64, 0, 0) }
    try store(200, &random)
    _ = try writer.finish()
  }

  private mutating func store(_ many: Int, _ random: inout SplitMix64) throws {
    for _ in 0..<many {
      let size = [1, 2, 4, 8, 8, 16].randomElement(using: &random)!
      let address = UInt64.random(in: 0x30 << 12..<0x90 << 12, using: &random)
      count += 3
      let vcpu = Int.random(in: 0...1, using: &random)
      if isArmed, armed[vcpu] == nil { armed[vcpu] = count }
      try writer.write(
        vcpu: vcpu, count: count, gpa: GuestPhysicalAddress(address),
        gva: GuestLinearAddress(address), size: size)
      stores.append((address, size, isArmed))
    }
  }

  private mutating func call(
    _ number: HypercallNumber, at offset: UInt64, _ rdi: UInt64 = 0, _ rsi: UInt64 = 0, _ rdx: UInt64 = 0,
    _ r10: UInt64 = 0
  ) throws {
    count += 1
    try writer.event(
      .hypercall(
        .init(
          vcpu: 0, count: count, number: number.rawValue, arguments: .init(rdi: rdi, rsi: rsi, rdx: rdx, r10: r10),
          rip: GuestLinearAddress(Self.linear + offset), ripAddress: GuestPhysicalAddress(Self.code << 12 + offset),
          rflags: 2, cpl: 0, cr3: 0x1000)))
  }

  func remove() { try? FileManager.default.removeItem(atPath: path) }
}

@Suite("A replay under a policy")
struct PolicyReplayTests {
  /// A few bytes here, whole pages there, and two regions on one page.
  static let policy = Policy(
    name: "test", origin: "p.json",
    regions: [
      .init(name: "bytes", place: .bytes(0x40_010..<0x40_030), actions: [.count, .notify]),
      .init(name: "same-page", place: .bytes(0x40_800..<0x40_900), actions: [.log]),
      .init(name: "pages", place: .bytes(0x50_000..<0x58_000), actions: [.count]),
    ])

  private func run(
    _ trace: PolicyTrace, _ policy: Policy?, arm: String? = nil, strategies: [Strategy] = Strategy.all
  ) throws -> RunResult {
    let profile = try #require(try ProfileLibrary.profile(named: "icelake-sp"))
    return try replay(
      ReplayRequest(
        tracePath: trace.path, strategies: strategies, profile: profile, policy: policy, arm: arm, countersOnly: true))
  }

  @Test(
    "is what the recording would have been, had its driver asked for the policy",
    arguments: 1...6 as ClosedRange<UInt64>)
  func sameAsRecorded(seed: UInt64) throws {
    let trace = try PolicyTrace(seed: seed, name: "given", hasDriver: true)
    defer { trace.remove() }
    let resolved = try Self.policy.resolved(
      for: RecordingReader(path: trace.path).header.recording, guestBytes: 1 << 21, topLevelTables: [])
    let asked = try PolicyTrace(seed: seed, name: "asked", hasDriver: true, asking: resolved)
    defer { asked.remove() }
    let given = try run(trace, Self.policy, arm: "arm-here")
    let recorded = try run(asked, nil)
    for (a, b) in zip(given.strategies, recorded.strategies) {
      #expect(a.counts == b.counts, "seed \(seed), \(a.name)")
      #expect(a.notifications.setDigest == b.notifications.setDigest, "seed \(seed), \(a.name)")
      #expect(a.overheadCycles == b.overheadCycles && a.switches == b.switches, "seed \(seed), \(a.name)")
      #expect(a.notifications.count > 0)
    }
    #expect(given.policy.driver == .recorded && given.policy.arm == "arm-here")
  }

  @Test(
    "of a recording without a driver notices exactly the stores to protected pages after the mark, and tells bytes from pages",
    arguments: 1...6 as ClosedRange<UInt64>)
  func synthetic(seed: UInt64) throws {
    let trace = try PolicyTrace(seed: seed, name: "none", hasDriver: false)
    defer { trace.remove() }
    func touches(_ store: (address: UInt64, size: Int, isArmed: Bool), _ ranges: [Range<UInt64>]) -> Bool {
      ranges.contains { $0.overlaps(store.address..<store.address + UInt64(store.size)) }
    }
    let pages: [Range<UInt64>] = [0x40_000..<0x41_000, 0x50_000..<0x58_000]
    let bytes: [Range<UInt64>] = [0x40_010..<0x40_030, 0x40_800..<0x40_900, 0x50_000..<0x58_000]
    for (arm, watched) in [("arm-here", trace.stores.filter(\.isArmed)), (nil, trace.stores)] as [(String?, _)] {
      let result = try run(trace, Self.policy, arm: arm)
      let noticed = watched.filter { touches($0, pages) }
      let beside = noticed.filter { !touches($0, bytes) }
      #expect(result.policy.driver == .synthetic && result.crosscheck.agree, "\(result.crosscheck.differences)")
      for strategy in result.strategies {
        switch strategy.name {
        case "pml", "hybrid": #expect(strategy.notifications.count > 0 && strategy.notifications.count <= noticed.count)
        case "spp":
          #expect(strategy.notifications.count < noticed.count)
          #expect(Int(strategy.notifications.count) >= noticed.count - beside.count)
        default:
          #expect(Int(strategy.notifications.count) == noticed.count, "seed \(seed), \(strategy.name)")
          #expect(Int(strategy.notifications.falseShare) == beside.count, "seed \(seed), \(strategy.name)")
        }
      }
      let exits = try #require(result.strategies.first { $0.name == "eptp-exit" })
      #expect(exits.switches == 2 && exits.counts["hypercall_exits"] == 7)
    }
  }

  @Test(
    "counts what a strategy costs from the first protection on, set-up apart, and region by region",
    arguments: 1...6 as ClosedRange<UInt64>)
  func armed(seed: UInt64) throws {
    let trace = try PolicyTrace(seed: seed, name: "armed", hasDriver: false)
    let other = try PolicyTrace(seed: seed + 100, name: "other", hasDriver: false)
    defer {
      trace.remove()
      other.remove()
    }
    let totals = try RecordingReader(path: trace.path).header.totals.instructions
    let armed = zip(trace.armed, totals).reduce(0 as UInt64) { $0 + $1.1 - ($1.0 ?? $1.1) }
    let whole = totals.reduce(0, +)
    for (arm, expected) in [("arm-here", armed), (nil, whole)] as [(String?, UInt64)] {
      let result = try run(trace, Self.policy, arm: arm)
      let others = try run(other, Self.policy, arm: arm)
      for (strategy, elsewhere) in zip(result.strategies, others.strategies) {
        let cost = try #require(strategy.armed)
        let setUp = try #require(strategy.setupCycles)
        #expect(cost.instructions == expected, "seed \(seed), \(strategy.name)")
        let running = strategy.overheadCycles.value - setUp.value
        #expect(abs(cost.per1000 - running * 1000 / Double(expected)) < 1e-6)
        #expect(
          abs(cost.percent.half - 4 * cost.percent.two) < 1e-9 && abs(cost.percent.one * 10 - cost.per1000) < 1e-6)
        // What is asked for is the same; the stores are others.
        #expect(elsewhere.setupCycles == setUp)
        if strategy.name == "eptp-exit" { #expect(elsewhere.overheadCycles != strategy.overheadCycles) }
        #expect(setUp.value >= 7 * 1400, "seven hypercalls at least, \(strategy.name)")
        let regions = try #require(strategy.regions)
        #expect(Set(regions.map(\.name)).isSubset(of: ["bytes", "same-page", "pages"]))
        #expect(regions.reduce(0) { $0 + $1.notifications } == strategy.notifications.count)
        let stall = regions.reduce(0) { $0 + $1.overheadCycles.value }
        #expect(abs(stall - strategy.guestStallCycles.value) < 1e-6 * stall, "\(strategy.name)")
      }
    }
  }

  @Test("hottest pages name what most stores touched, with offsets", arguments: 50...55 as ClosedRange<UInt64>)
  func hottest(seed: UInt64) throws {
    let trace = try PolicyTrace(seed: seed, name: "hot", hasDriver: false)
    defer { trace.remove() }
    let profile = try #require(try ProfileLibrary.profile(named: "icelake-sp"))
    var request = ReplayRequest(
      tracePath: trace.path, strategies: [.eptpExit], profile: profile, policy: Self.policy, countersOnly: true)
    request.namesPages = true
    let result = try replay(request)
    for page in try #require(result.hottestPages).pages {
      let stores = trace.stores.filter { $0.address >> 12 == page.page }
      for target in try #require(page.targets) {
        let symbol = PolicyTrace.symbols.first { $0.name == target.symbol }
        // First bytes of symbols that begin later hide those of "large".
        let offsets = stores.flatMap { store -> [UInt64] in
          let bytes = store.address..<min(store.address + UInt64(store.size), (page.page + 1) << 12)
          return bytes.filter { byte in
            let holder = PolicyTrace.symbols.last { $0.gpa <= byte && byte < $0.gpa + $0.size }
            return (byte == store.address || byte == holder?.gpa) && holder?.name == target.symbol
          }
        }
        let start = symbol?.gpa ?? page.page << 12
        #expect(Int(target.stores) == offsets.count, "seed \(seed), \(target)")
        #expect(offsets.min() == start + target.firstOffset && offsets.max() == start + target.lastOffset)
      }
      if page.page == 0x40 { #expect(page.symbols.first == "large") }
    }
  }

  @Test(
    "a recorded guest goes on whatever actions are asked for, and they are told with the first store of each",
    arguments: 20...43 as ClosedRange<UInt64>)
  func actions(seed: UInt64) throws {
    let trace = try PolicyTrace(seed: seed, name: "actions", hasDriver: seed % 3 == 0)
    defer { trace.remove() }
    var random = SplitMix64(seed: seed)
    var policy = Self.policy
    for index in policy.regions.indices {
      // Every action in turn, and others at random with it.
      policy.regions[index].actions = AlertActions.named[(Int(seed) + index) % AlertActions.named.count].action
      for (_, action) in AlertActions.named where Bool.random(using: &random) {
        policy.regions[index].actions.formUnion(action)
      }
    }
    let plain = try run(trace, Self.policy)
    let acting = try run(trace, policy)
    #expect(acting.crosscheck == plain.crosscheck, "seed \(seed)")
    for (with, without) in zip(acting.strategies, plain.strategies) {
      #expect(with.notifications.setDigest == without.notifications.setDigest, "seed \(seed), \(with.name)")
      #expect(with.notifications.byKind == without.notifications.byKind, "seed \(seed), \(with.name)")
      for event in [Event.hypercallExits, .alerts, .treeNodesVisited] {
        #expect(with.counts[event.name] == without.counts[event.name], "seed \(seed), \(with.name): \(event.name)")
      }
    }
    guard seed % 3 != 0 else { return }
    // The synthetic driver protects from the first store on: what is owed follows from the stores alone.
    let exits = try #require(acting.strategies.first { $0.name == "eptp-exit" })
    for (name, action) in AlertActions.named where WouldHaveTally.acting.contains(action) {
      let owed = trace.stores.indices.filter { index in
        let store = trace.stores[index]
        let pages = store.address >> 12...(store.address + UInt64(store.size) - 1) >> 12
        return policy.regions.contains { region in
          guard region.actions.contains(action), case .bytes(let bytes, _, _) = region.place else { return false }
          return pages.overlaps(bytes.lowerBound >> 12...(bytes.upperBound - 1) >> 12)
        }
      }
      let found = exits.wouldHave?.first { $0.action == name }
      #expect(Int(found?.stores ?? 0) == owed.count, "seed \(seed), \(name)")
      #expect(found?.store == owed.first.map(UInt64.init), "seed \(seed), \(name)")
    }
  }

  @Test("a mark alone holds back what the recorded driver asks")
  func armedOnly() throws {
    let trace = try PolicyTrace(seed: 3, name: "armed", hasDriver: true)
    defer { trace.remove() }
    let always = try run(trace, nil, strategies: [.eptpExit]).strategies[0].notifications.byKind.protected
    let armed = try run(trace, nil, arm: "arm-here", strategies: [.eptpExit]).strategies[0].notifications.byKind
      .protected
    let pages = 0x60 << 12..<0x68 << 12 as Range<UInt64>
    let expected = trace.stores.count { $0.isArmed && pages.overlaps($0.address..<$0.address + UInt64($0.size)) }
    #expect(Int(armed) == expected && armed < always)
  }

  @Test("says which mark there is not, or never comes, and what the hypervisor refuses")
  func errors() throws {
    let trace = try PolicyTrace(seed: 3, name: "errors", hasDriver: true)
    let bare = try PolicyTrace(seed: 3, name: "bare", hasDriver: false)
    defer { trace.remove(); bare.remove() }
    func sentence(_ trace: PolicyTrace, _ policy: Policy?, _ arm: String?) -> String {
      do {
        _ = try run(trace, policy, arm: arm, strategies: [.eptpExit])
        return "no error"
      } catch { return "\(error)" }
    }
    #expect(sentence(trace, nil, "arm-her").hasSuffix("no mark is named 'arm-her'; did you mean arm-here?"))
    #expect(sentence(trace, nil, "never").contains("mark 'never' never occurs"))
    #expect(sentence(trace, nil, "12").contains("mark '12' never occurs"))
    #expect(sentence(bare, nil, "arm-here").contains("has no driver to arm at a mark"))
    let onDriver = Policy(
      name: "x", origin: "p.json",
      regions: [
        .init(name: "own", place: .bytes(PolicyTrace.data << 12..<(PolicyTrace.data + 1) << 12), actions: [.count])
      ])
    #expect(
      sentence(trace, onDriver, nil).hasPrefix("p.json: region 'own', 1 page from 0x11000 on: the hypervisor refuses"))
  }
}
