import Synchronization

/// One registered reader of a tree (one vCPU, one thread): look-ups, and now and then the word that it holds no node.
///
/// Nodes that a change has replaced are used again once every online reader has been quiescent since. A reader that
/// never says so stops pages from being reused, and delays nobody.
@frozen
public struct TreeReader: @unchecked Sendable {
  /// The tree that is read.
  public let tree: MonitorTree
  @usableFromInline let state: UnsafeMutablePointer<Atomic<UInt64>>
  @usableFromInline let epoch: UnsafeMutablePointer<Atomic<UInt64>>

  /// Reader number `index` (below the base pointer's reader capacity), online from now on; nil past the capacity.
  ///
  /// One thread at a time uses one index.
  public init?(_ index: Int, of base: BasePointer, memory: GuestMemory) {
    guard index >= 0, index < base.readerCapacity else { return nil }
    tree = MonitorTree(memory: memory, base: base)
    state = base.readerState(index)
    epoch = base.epoch
    goOnline()
  }

  /// Says that this reader holds no finding, segment or node that it obtained before.
  @inlinable @inline(__always)
  public func quiescent() {
    state.pointee.store(epoch.pointee.load(ordering: .acquiring), ordering: .releasing)
  }

  /// Stops taking part: nothing may be looked up until ``goOnline()``.
  public func goOffline() { state.pointee.store(0, ordering: .releasing) }

  /// Takes part again.
  public func goOnline() {
    // The state must be visible before any node is read: a full fence, which quiescent() does not need.
    _ = state.pointee.exchange(epoch.pointee.load(ordering: .acquiring), ordering: .sequentiallyConsistent)
  }
}
