import Addresses
import CNodeSearch
import Synchronization

/// The tree of monitored pages as its readers see it: nodes in guest pages, reached from a base pointer in
/// hypervisor memory.
///
/// Any number of threads may look up while one ``TreeWriter`` changes the tree; a look-up never waits, allocates or
/// counts references, reads at most one node a level, and sees the tree as it was at one moment. Guest memory and base
/// pointer must outlive the value.
@frozen
public struct MonitorTree: @unchecked Sendable {
  /// The guest memory the nodes lie in.
  public let memory: GuestMemory
  @usableFromInline let root: UnsafeMutablePointer<Atomic<UInt64>>

  /// The tree that `base` points to, now and after every change.
  public init(memory: GuestMemory, base: BasePointer) {
    self.memory = memory
    root = base.root
  }

  /// The reference to the base node at this moment: the tree as it is now, for several look-ups in one state.
  @inlinable @inline(__always)
  public var snapshot: NodeReference { NodeReference(rawValue: root.pointee.load(ordering: .acquiring)) }

  /// What the tree says about a page.
  @inlinable @inline(__always)
  public func find(_ page: GuestPageNumber) -> Finding { find(page, from: snapshot) }

  /// What the tree below `base` says about a page.
  ///
  /// Every entry on the way is a statement that must hold: it is about the page sought, and its check code binds it to
  /// the reference that led to its node. Whatever is rare (a page of the tree, several owners, a statement that does not
  /// hold) is left to `examine(_:from:)`.
  @inlinable @inline(__always)
  public func find(_ page: GuestPageNumber, from base: NodeReference) -> Finding {
    guard page.rawValue < UInt64(memory.pageCount) else { return Finding(.notMine, nodesVisited: 0) }
    let sought = UInt32(truncatingIfNeeded: page.rawValue)
    let found = node_find(memory.start, memory.pageCount, base.rawValue, sought)
    return Finding(found, nodesVisited: base.level &+ 1) ?? examine(page, from: base)
  }
}
