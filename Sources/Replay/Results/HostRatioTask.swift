import Addresses
import EPT
import GuestIntegrity
import MonitorTree
import SeededRandom

/// The plain way to find a page among ranges: a binary search in two sorted arrays. What host times are taken over.
struct PlainSearch {
  private let firsts: [UInt64]
  private let lasts: [UInt64]

  /// A search in the pages of these ranges.
  init(_ ranges: [PageRange]) {
    var joined: [(first: UInt64, last: UInt64)] = []
    for range in ranges.sorted(by: { $0.first < $1.first }) {
      if let last = joined.last, range.first.rawValue <= last.last + 1 {
        joined[joined.count - 1].last = max(last.last, range.last.rawValue)
      } else {
        joined.append((range.first.rawValue, range.last.rawValue))
      }
    }
    firsts = joined.map(\.first)
    lasts = joined.map(\.last)
  }

  /// The number of the range that holds the page; nil for none.
  @inline(never)
  func find(_ page: UInt64) -> Int? {
    var (low, high) = (0, firsts.count)
    while low < high {
      let middle = (low + high) / 2
      if firsts[middle] <= page { low = middle + 1 } else { high = middle }
    }
    return low > 0 && page <= lasts[low - 1] ? low - 1 : nil
  }
}

/// What host ratios are taken of: the tree look-up, and the way from a refused store to its alert, where some ranges are
/// protected under some strategy.
///
/// Where code, heap and stack happen to lie moves such times by several per cent from one process to the next (T. Mytkowicz
/// et al., "Producing wrong data without doing anything obviously wrong", 2009). So one process gives one ``sample()``, and
/// ``HostRatios`` are of many: what two processes differ by is the noise that a comparison has to expect.
public struct HostRatioTask: Codable, Sendable {
  /// Name of the strategy.
  public var strategy: String
  /// First page and pages of each range.
  public var ranges: [[UInt64]]
  /// Bytes of guest memory.
  public var guestBytes: UInt64
  /// Extra look-ups in every 256, to prove that a slowdown is seen; 0 but for that.
  public var slowdown = 0

  /// Different stores in a batch.
  static let stores = 256
  /// How often a batch of look-ups or of the reference goes over them: some microseconds, so that a clock that ticks every
  /// 10 ns does not show. An alert takes long enough.
  private static let passes = 8
  /// Batches with each hypervisor.
  private static let (lookupBatches, alertBatches) = (32, 16)
  /// Hypervisors built a sample, each elsewhere in memory. Of all batches the fastest counts, for the subject as for the
  /// reference: whoever shares the processor only ever makes a batch slower.
  private static let rounds = 30

  /// One process's sample.
  public struct Sample: Codable, Sendable {
    /// Tree look-up over a binary search in the same ranges.
    public var lookup: Double
    /// From a refused store to its alert taken from the ring, over the same binary search.
    public var alert: Double

    /// A sample from its ratios.
    public init(lookup: Double, alert: Double) {
      self.lookup = lookup
      self.alert = alert
    }
  }

  init(strategy: Strategy, ranges: [PageRange], guestBytes: UInt64) {
    self.strategy = strategy.name
    self.ranges = ranges.map { [$0.first.rawValue, $0.count] }
    self.guestBytes = guestBytes
  }

  /// Times both paths beside the reference in this process.
  public func sample() throws -> Sample {
    guard let mechanism = Strategy.named(strategy)?.mechanism, guestBytes & 0x1f_ffff == 0 else {
      throw ReplayError("the task names no strategy or no whole memory, expected one that `check --host` wrote")
    }
    let pages = ranges.compactMap { $0.count == 2 ? PageRange(first: GuestPageNumber($0[0]), count: $0[1]) : nil }
    guard pages.count == ranges.count, !pages.isEmpty else {
      throw ReplayError("the task holds no ranges of pages, expected those that `check --host` wrote")
    }
    let search = PlainSearch(pages)
    var random = SplitMix64(seed: 0x6d65_6d6f_7279)
    var timing = PairedTiming()
    var fastest = (lookup: Double.infinity, alert: Double.infinity, reference: Double.infinity)
    var sum = 0
    for _ in 0..<Self.rounds {
      var padding = Padding()
      defer { padding.deallocate() }
      padding.grow(by: &random)
      let hypervisor = try makeHypervisor(mechanism, pages)
      defer { hypervisor.processors.deallocate() }
      padding.grow(by: &random)
      let stores = try refusedStores(by: hypervisor, in: pages, &random)
      func time(_ subject: () -> Int) -> Double {
        let times = timing.round(
          subject: { sum &+= subject() }, reference: { sum &+= Self.lookPlainly(stores, in: search) })
        fastest.reference = min(fastest.reference, times.reference)
        return times.subject
      }
      for _ in 0..<Self.lookupBatches {
        fastest.lookup = min(fastest.lookup, time { Self.lookUp(stores, in: hypervisor.tree, slowdown) })
      }
      for _ in 0..<Self.alertBatches {
        fastest.alert = min(fastest.alert, time { Self.alert(stores, hypervisor) })
      }
    }
    withExtendedLifetime(sum) {}
    return Sample(
      lookup: fastest.lookup / fastest.reference, alert: fastest.alert * Double(Self.passes) / fastest.reference)
  }

  private func makeHypervisor(_ mechanism: Mechanism, _ pages: [PageRange]) throws -> Hypervisor<ModelledProcessors> {
    let driver = SyntheticDriver(behind: guestBytes, ranges: pages.count)
    let bytes = driver.memoryBytes
    guard let memory = HostMemory(byteCount: Hypervisor<ModelledProcessors>.hostBytes(ramBytes: bytes)) else {
      throw ReplayError(
        "\(bytes) bytes of address space were refused by the operating system; free some or raise its limit")
    }
    var configuration = Configuration(mechanism)
    configuration.recordsOldBytes = false
    let hypervisor = try Hypervisor(
      memory: memory, ramBytes: bytes, vcpus: 1, configuration: configuration,
      processors: ModelledProcessors(memory: memory.memory, vcpus: 1, geometry: .smallest))
    hypervisor.processors.pointers = TableSet.allCases.map { hypervisor.eptp(of: $0) }
    hypervisor.configure(&hypervisor.processors.machines[0], for: 0)
    let protection = pages.map {
      PolicyCall.protecting($0, as: 1, actions: [.count, .log, .notify], purpose: "the timed protection")
    }
    for call in driver.calls(asking: protection, at: 0) {
      if let error = hypervisor.hypercall(call.call, on: 0).error { throw ReplayError("\(call.purpose): \(error)") }
    }
    return hypervisor
  }

  /// Stores strewn over the ranges, each with the violation it meets.
  private func refusedStores(
    by hypervisor: Hypervisor<ModelledProcessors>, in pages: [PageRange], _ random: inout SplitMix64
  ) throws -> [RefusedStore] {
    try (0..<Self.stores).map { _ in
      let range = pages[Int.random(in: 0..<pages.count, using: &random)]
      let page = range.first.rawValue + UInt64.random(in: 0..<range.count, using: &random)
      let store = Store(vcpu: 0, address: GuestPhysicalAddress(page << 12 | 0x40), size: 8)
      var path = WalkPath()
      let outcome = hypervisor.processors.machines[0].access(GuestAccess(store.address, .dataWrite), &path)
      guard case .violation(let violation) = outcome else {
        throw ReplayError(
          "a store to protected page 0x\(String(page, radix: 16)) ends in \(outcome), expected a violation")
      }
      return RefusedStore(store: store, violation: violation)
    }
  }

  @inline(never)
  private static func lookPlainly(_ stores: [RefusedStore], in search: PlainSearch) -> Int {
    var sum = 0
    for _ in 0..<passes {
      for store in stores { sum &+= search.find(store.store.address.page.rawValue) ?? 1 }
    }
    return sum
  }

  @inline(never)
  private static func lookUp(_ stores: [RefusedStore], in tree: MonitorTree, _ slowdown: Int) -> Int {
    var sum = 0
    for _ in 0..<passes {
      for store in stores { sum &+= tree.find(store.store.address.page).nodesVisited }
      for store in stores.prefix(slowdown) { sum &+= tree.find(store.store.address.page).nodesVisited }
    }
    return sum
  }

  @inline(never)
  private static func alert(_ stores: [RefusedStore], _ hypervisor: Hypervisor<ModelledProcessors>) -> Int {
    var sum = 0
    for refused in stores {
      sum &+= hypervisor.handle(refused.store, violation: refused.violation).nodesVisited
      while hypervisor.alerts(of: refused.store.vcpu).next() != nil { sum &+= 1 }
    }
    return sum
  }
}

/// Blocks of random size on the heap, so that what is allocated behind them lies elsewhere each time.
private struct Padding {
  private var blocks: [UnsafeMutableRawPointer] = []

  mutating func grow(by random: inout SplitMix64) {
    for _ in 0..<Int.random(in: 1...8, using: &random) {
      blocks.append(.allocate(byteCount: Int.random(in: 1...512, using: &random) * 16, alignment: 16))
    }
  }

  mutating func deallocate() {
    for block in blocks { block.deallocate() }
    blocks = []
  }
}

extension StrategyReplay {
  /// What host ratios are taken of; nil unless violations exit, the strategy is sound, and something is protected.
  func hostRatioTask(guestBytes: UInt64) -> HostRatioTask? {
    guard let strategy, strategy.sound.value, mechanism.noticing == .violationExit, !protected.pages.isEmpty else {
      return nil
    }
    return HostRatioTask(strategy: strategy, ranges: protected.pages, guestBytes: guestBytes)
  }
}

extension CacheGeometry {
  /// One entry of everything.
  fileprivate static var smallest: CacheGeometry {
    let one = SetAssociative(entries: 1, ways: 1)
    return CacheGeometry(
      l1StoreTLB: one, stlb: one, pdeCache: 1, pdpteCache: 1, pml4eCache: 1, walkLines: WalkLines(l1: 1, l2: 1, l3: 1))
  }
}
