import Addresses
import GuestIntegrity
import MonitorTree
import SeededRandom

/// What host ratios are taken of: the tree look-up, and the way from a refused store to its alert, where some ranges are
/// protected under some strategy.
///
/// Where code, heap and stack happen to lie moves such times by several per cent from one process to the next (T. Mytkowicz
/// et al., "Producing wrong data without doing anything obviously wrong", 2009). So one process gives one ``sample()``, and
/// ``HostRatios`` are of many.
package struct HostRatioTask: Codable, Sendable {
  /// Name of the strategy.
  package var strategy: String
  /// First page and pages of each range.
  package var ranges: [[UInt64]]
  /// Bytes of guest memory.
  package var guestBytes: UInt64
  /// Extra look-ups in every 256, to prove that a slowdown is seen; 0 but for that.
  package var slowdown = 0

  /// Different stores in a batch.
  static let stores = 256
  /// How often a batch of look-ups goes over them: some microseconds, so that a clock that ticks every 10 ns does not show.
  /// An alert takes long enough.
  private static let passes = 8
  /// Batches with each hypervisor.
  private static let (lookupBatches, alertBatches) = (32, 16)
  /// Hypervisors built a sample, each elsewhere in memory. Of all batches the fastest counts: whoever shares the processor
  /// only ever makes a batch slower.
  private static let rounds = 8

  /// One process's sample: nanoseconds here, of use only beside those of another process.
  package struct Sample: Codable, Sendable {
    /// `debug` or `release`.
    package var build: String
    /// Tree look-up, nanoseconds.
    package var lookup: Double
    /// From a refused store to its alert taken from the ring, nanoseconds.
    package var alert: Double

    /// A sample from its times.
    package init(build: String, lookup: Double, alert: Double) {
      self.build = build
      self.lookup = lookup
      self.alert = alert
    }
  }

  init(strategy: Strategy, ranges: [PageRange], guestBytes: UInt64) {
    self.strategy = strategy.name
    self.ranges = ranges.map { [$0.first.rawValue, $0.count] }
    self.guestBytes = guestBytes
  }

  /// Times both paths in this process.
  package func sample() throws -> Sample {
    guard let mechanism = Strategy.named(strategy)?.mechanism, guestBytes & 0x1f_ffff == 0 else {
      throw ReplayError("the task names no strategy or no whole memory, expected one that `check --host` wrote")
    }
    let pages = ranges.compactMap { $0.count == 2 ? PageRange(first: GuestPageNumber($0[0]), count: $0[1]) : nil }
    guard pages.count == ranges.count, !pages.isEmpty else {
      throw ReplayError("the task holds no ranges of pages, expected those that `check --host` wrote")
    }
    var random = SplitMix64(seed: 0x6d65_6d6f_7279)
    var fastest = (lookup: Double.infinity, alert: Double.infinity)
    var sum = 0
    for _ in 0..<Self.rounds {
      var padding = Padding()
      defer { padding.deallocate() }
      padding.grow(by: &random)
      let guest = try ProtectedGuest(mechanism, protecting: pages, guestBytes: guestBytes)
      padding.grow(by: &random)
      let stores = try guest.refusedStores(Self.stores, &random)
      for _ in 0..<Self.lookupBatches {
        fastest.lookup = min(fastest.lookup, time { sum &+= Self.lookUp(stores, in: guest.hypervisor.tree, slowdown) })
      }
      for _ in 0..<Self.alertBatches {
        fastest.alert = min(fastest.alert, time { sum &+= Self.alert(stores, guest.hypervisor) })
      }
    }
    withExtendedLifetime(sum) {}
    return Sample(
      build: ToolDescription.current.build ?? "", lookup: fastest.lookup / Double(Self.stores * Self.passes),
      alert: fastest.alert / Double(Self.stores))
  }

  /// Nanoseconds of a batch.
  private func time(_ batch: () -> Void) -> Double { ContinuousClock().measure(batch) / .nanoseconds(1) }

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

extension Strategy {
  /// Whether every store is refused by an exit.
  fileprivate var refusesByExit: Bool { contract == .everyStore && mechanism.noticing.features.isEmpty }
}

extension StrategyReplay {
  /// What host ratios are taken of; nil unless violations exit, the strategy is sound, and something is protected.
  func hostRatioTask(guestBytes: UInt64) -> HostRatioTask? {
    guard let strategy, strategy.sound.value, Strategy.named(strategy.name) == strategy, strategy.refusesByExit,
      !protected.pages.isEmpty
    else { return nil }
    return HostRatioTask(strategy: strategy, ranges: protected.pages, guestBytes: guestBytes)
  }
}

extension HostRatios {
  /// The ratios that samples of a task show, taken in turns: of the other program, of this, of this, of the other, and so on.
  package init(of task: HostRatioTask, over: String, alternating samples: [HostRatioTask.Sample]) {
    self.over = over
    strategy = task.strategy
    lookup = HostRatio(alternating: samples.map(\.lookup))
    alert = HostRatio(alternating: samples.map(\.alert))
  }
}
