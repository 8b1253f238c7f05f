import CHost
import GuestIntegrity
import Replay

/// Times our own paths on this machine: the tree look-up, and the alert up to its consumer, each hot and cold.
///
/// Pins the calling thread, so it wants a process of its own.
package struct OwnPaths {
  private let guest: ProtectedGuest
  /// The nodes of the tree; pages given for nodes that hold nothing are left out.
  private let nodes: [UnsafeRawBufferPointer]
  /// What two readings of the clock take by themselves.
  private let overhead: UInt64
  private let samples: Int
  private let processors: ProcessorPair
  private static let stores = 4096
  private static let warmUps = 64

  /// A guest with something to notice; so many samples of each figure.
  package init(samples: Int) throws {
    self.samples = samples
    processors = ProcessorPair()
    _ = chost_pin(processors.first)
    guest = try .strewn(stores: Self.stores)
    let pages = guest.nodeBytes
    nodes = stride(from: 0, to: pages.count, by: 4096).map { UnsafeRawBufferPointer(rebasing: pages[$0..<$0 + 4096]) }
      .filter { page in page.contains { $0 != 0 } }
    overhead = (0..<10_000).map { _ in Self.time {} }.sorted()[5_000]
  }

  /// All figures.
  package func report() -> ProgramReport {
    var report = ProgramReport()
    // Our own code is as fast as it was built.
    let build = "a \(ToolDescription.current.build ?? "foreign") build"
    report.facts = ["tree.node.set", "alert.set"].map { .init(name: $0, text: build) }
    hotLookUps(&report)
    coldLookUps(&report)
    alerts(&report)
    handOver(&report, isCold: false)
    handOver(&report, isCold: true)
    return report
  }

  private static func time(_ body: () -> Void) -> UInt64 {
    let start = chost_ordered_ticks()
    body()
    return chost_ordered_ticks() - start
  }

  /// Samples, after some that do not count.
  private func take(_ sample: (Int) -> UInt64) -> [UInt64] {
    for index in 0..<Self.warmUps { _ = sample(index) }
    return (0..<samples).map(sample)
  }

  private func add(_ name: String, _ ticks: [UInt64], per: Int = 1, to report: inout ProgramReport) {
    report.figures += [MeasuredFigure(name: name, ticks: ticks, overhead: overhead, per: Double(per))].compactMap(
      \.self)
  }

  private func hotLookUps(_ report: inout ProgramReport) {
    let batch = 32
    let ticks = take { index in
      let start = index * batch % Self.stores
      return Self.time { _ = guest.lookUp(start..<start + batch) }
    }
    // Every leaf of the tree is as deep, so every look-up visits as many nodes.
    add("tree.node", ticks, per: guest.lookUp(0..<batch), to: &report)
    add("tree.look_up", ticks, per: batch, to: &report)
  }

  private func coldLookUps(_ report: inout ProgramReport) {
    let ticks = take { index in
      nodes.forEach(Self.drop)
      let store = index % Self.stores
      return Self.time { _ = guest.lookUp(store..<store + 1) }
    }
    add("tree.node.cold", ticks, per: guest.lookUp(0..<1), to: &report)
    add("tree.look_up.cold", ticks, to: &report)
  }

  /// The alert up to the ring; it is taken from there while no clock runs.
  private func alerts(_ report: inout ProgramReport) {
    let batch = 16
    func drain() { while guest.ring.next() != nil {} }
    let hot = take { index in
      let start = index * batch % Self.stores
      defer { drain() }
      return Self.time { for store in start..<start + batch { guest.raise(store, at: 0) } }
    }
    add("alert", hot, per: batch, to: &report)
    let cold = take { index in
      dropAll()
      defer { drain() }
      return Self.time { guest.raise(index % Self.stores, at: 0) }
    }
    add("alert.cold", cold, to: &report)
  }

  /// One alert at a time: its time is that of the refused store, and the consumer reads the clock when it has it.
  private func handOver(_ report: inout ProgramReport, isCold: Bool) {
    let name = "alert.handed_over" + (isCold ? ".cold" : "")
    let ages = Ages()
    guard let other = processors.other,
      let consumer = AlertConsumer([guest.ring], processor: other, { _, _, age in ages.ticks.append(age) })
    else {
      report.omissions.append(.init(name: name, text: "there is one processor only"))
      return
    }
    for index in 0..<Self.warmUps + samples {
      consumer.awaitTaken(index)
      if isCold { dropAll() }
      // Let the consumer come to rest in its look-out for the next event.
      let pause = chost_ticks() + 1500
      while chost_ticks() < pause {}
      guest.raise(index % Self.stores, at: chost_ordered_ticks())
    }
    consumer.awaitTaken(Self.warmUps + samples)
    consumer.finish()
    add(name, Array(ages.ticks.dropFirst(Self.warmUps)), to: &report)
  }

  /// Of the consumer's thread until that has ended.
  private final class Ages: @unchecked Sendable {
    var ticks: [UInt64] = []

    init() { ticks.reserveCapacity(1 << 16) }
  }

  /// Drops tree and ring from all caches.
  private func dropAll() {
    nodes.forEach(Self.drop)
    Self.drop(guest.ring.bytes)
  }

  /// Drops memory from all caches.
  private static func drop(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    for line in stride(from: 0, to: bytes.count, by: 64) { chost_flush(start + line) }
  }
}
