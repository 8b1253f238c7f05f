import Addresses

/// A memory seen through a layer that keeps every store to itself: what a trial run may write to.
package final class OverlayMemory<Base: PhysicalMemory>: PhysicalMemory {
  private let base: Base
  private var stores: [HostPhysicalAddress: UInt64] = [:]

  /// An empty layer over a memory.
  package init(_ base: Base) { self.base = base }

  /// The word as the layer has it, else as the base has it.
  package func load(_ address: HostPhysicalAddress) -> UInt64 {
    if stores.isEmpty { return base.load(address) }
    return stores[address] ?? base.load(address)
  }

  /// Stores to the layer.
  package func store(_ value: UInt64, at address: HostPhysicalAddress) { stores[address] = value }

  /// Compares and stores in the layer; not for use by several threads.
  package func compareExchange(at address: HostPhysicalAddress, expected: UInt64, desired: UInt64) -> UInt64 {
    let old = load(address)
    if old == expected { stores[address] = desired }
    return old
  }
}
