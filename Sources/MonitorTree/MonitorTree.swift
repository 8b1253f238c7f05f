import Addresses
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
  @inlinable
  public func find(_ page: GuestPageNumber) -> Finding { find(page, from: snapshot) }

  /// What the tree below `base` says about a page.
  @inlinable @inline(__always)
  public func find(_ page: GuestPageNumber, from base: NodeReference) -> Finding {
    let walk = walk(to: page, from: base)
    switch walk.end {
    case .statement:
      let claim = Claim(word: walk.word)
      let offset = UInt32(truncatingIfNeeded: page.rawValue) &- walk.key
      guard offset < claim.pages else { return Finding(.notMine, nodesVisited: walk.nodesVisited) }
      guard claim.ordinal == 0, claim.region != .tree else { return finding(of: walk, page: page, base: base) }
      let segment = Segment(
        start: walk.key, length: claim.pages, actions: claim.actions, owners: 1, region: claim.region)
      return Finding(.protected(segment), nodesVisited: walk.nodesVisited)
    case .outside: return Finding(.notMine, nodesVisited: walk.nodesVisited)
    case .node, .mismatch: return finding(of: walk, page: page, base: base)
    }
  }
}
