import Addresses
import EPT
import GuestIntegrity
import MonitorTree
import SeededRandom

/// A guest of one vCPU in which a driver has protected some ranges, and stores that its EPT refuses: what our own look-ups
/// and alerts are timed on.
package final class ProtectedGuest {
  let hypervisor: Hypervisor<ModelledProcessors>
  private let ranges: [PageRange]
  private let nodes: PageRange
  private var stores: [RefusedStore] = []

  /// A guest of `guestBytes`, whole 2 MiB, in which `ranges` are protected.
  init(_ mechanism: Mechanism, protecting ranges: [PageRange], guestBytes: UInt64) throws {
    let driver = SyntheticDriver(behind: guestBytes, ranges: ranges.count)
    let bytes = driver.memoryBytes
    guard let memory = HostMemory(byteCount: Hypervisor<ModelledProcessors>.hostBytes(ramBytes: bytes)) else {
      throw ReplayError(
        "\(bytes) bytes of address space were refused by the operating system; free some or raise its limit")
    }
    var configuration = Configuration(mechanism)
    configuration.recordsOldBytes = false
    hypervisor = try Hypervisor(
      memory: memory, ramBytes: bytes, vcpus: 1, configuration: configuration,
      processors: ModelledProcessors(memory: memory.memory, vcpus: 1, geometry: .smallest))
    self.ranges = ranges
    nodes = driver.nodePages
    hypervisor.processors.pointers = TableSet.allCases.map { hypervisor.eptp(of: $0) }
    hypervisor.configure(&hypervisor.processors.machines[0], for: 0)
    let protection = ranges.map {
      PolicyCall.protecting($0, as: 1, actions: [.count, .log, .notify], purpose: "the timed protection")
    }
    for call in driver.calls(asking: protection, at: 0) {
      if let error = hypervisor.hypercall(call.call, on: 0).error { throw ReplayError("\(call.purpose): \(error)") }
    }
  }

  /// Stores strewn over the ranges, each with the violation it meets.
  func refusedStores(_ count: Int, _ random: inout SplitMix64) throws -> [RefusedStore] {
    try (0..<count).map { _ in
      let range = ranges[Int.random(in: 0..<ranges.count, using: &random)]
      let page = range.first.rawValue + UInt64.random(in: 0..<range.count, using: &random)
      let store = Store(vcpu: 0, address: GuestPhysicalAddress(page << 12 | 0x40), size: 8)
      var path = WalkPath()
      let outcome = hypervisor.processors.machines[0].access(GuestAccess(store.address, .dataWrite), &path)
      guard case .violation(let violation) = outcome else {
        throw ReplayError(
          "a store to protected page \(hex(page)) ends in \(outcome), expected a violation")
      }
      return RefusedStore(store: store, violation: violation)
    }
  }
}

extension ProtectedGuest {
  /// A guest of 128 MiB in which half of 16 384 pages are protected in 1024 runs of eight, with stores to those.
  package static func strewn(stores count: Int) throws -> ProtectedGuest {
    let ranges = (0..<1024).compactMap { PageRange(first: GuestPageNumber(0x1000 + 16 * $0), count: 8) }
    let guest = try ProtectedGuest(Strategy.eptpExit.mechanism, protecting: ranges, guestBytes: 128 << 20)
    var random = SplitMix64(seed: 0x7374_7265_776e)
    guest.stores = try guest.refusedStores(count, &random)
    return guest
  }

  /// Looks up the pages of some of its stores in the tree; how many nodes that visited.
  @inline(never)
  package func lookUp(_ range: Range<Int>) -> Int {
    let tree = hypervisor.tree
    return stores.withUnsafeBufferPointer { stores in
      range.reduce(0) { $0 &+ tree.find(stores[$1].store.address.page).nodesVisited }
    }
  }

  /// Has a store refused at a time of the caller's clock, up to its alert in the ring.
  @inline(never)
  package func raise(_ index: Int, at time: UInt64) {
    var store = stores[index].store
    store.time = time
    _ = hypervisor.handle(store, violation: stores[index].violation)
  }

  /// Where its alerts go.
  package var ring: AlertRing { hypervisor.alerts(of: 0) }

  /// The pages that the driver has given for nodes of the tree.
  package var nodeBytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(
      start: hypervisor.memory.base + Int(nodes.first.address.rawValue), count: Int(nodes.count) << 12)
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
