import Synchronization

/// The hypervisor's own words of a tree, out of the guest's reach: the reference to the base node, and what the
/// readers of old nodes have passed.
///
/// One cache line for the base reference, one for the epoch, one for each reader. It must outlive every
/// ``MonitorTree`` and ``TreeReader`` made from it.
public final class BasePointer: @unchecked Sendable {
  @usableFromInline let lines: UnsafeMutableRawPointer
  /// How many readers can register.
  public let readerCapacity: Int

  @usableFromInline static var lineBytes: Int { 128 }

  /// A base pointer that refers to nothing, with room for `readers` registered readers.
  public init(readers: Int = 0) {
    readerCapacity = max(0, readers)
    let bytes = (2 + readerCapacity) * Self.lineBytes
    lines = .allocate(byteCount: bytes, alignment: Self.lineBytes)
    for line in 0..<2 + readerCapacity {
      (lines + line * Self.lineBytes).bindMemory(to: Atomic<UInt64>.self, capacity: 1)
        .initialize(to: Atomic(line == 1 ? 1 : 0))
    }
  }

  deinit { lines.deallocate() }

  @usableFromInline
  func line(_ index: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
    (lines + index * Self.lineBytes).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  var root: UnsafeMutablePointer<Atomic<UInt64>> { line(0) }
  var epoch: UnsafeMutablePointer<Atomic<UInt64>> { line(1) }
  func readerState(_ index: Int) -> UnsafeMutablePointer<Atomic<UInt64>> { line(2 + index) }

  /// The reference to the base node, as a reader sees it at this moment.
  public var reference: NodeReference { NodeReference(rawValue: root.pointee.load(ordering: .acquiring)) }

  /// Lets walks start at another node from now on; all stores made before are seen by whoever starts there.
  ///
  /// For a ``GuestStore`` (which may refuse, count or delay it) and for tests that swap the tree.
  public func publish(_ reference: NodeReference) {
    root.pointee.store(reference.rawValue, ordering: .releasing)
  }
}

extension BasePointer {
  /// The latest epoch that no online reader is still before.
  func epochPassedByAllReaders() -> UInt64 {
    // Pairs with the exchange in goOnline(): a reader this scan does not see will see the newest base reference.
    var passed = epoch.pointee.load(ordering: .sequentiallyConsistent)
    for index in 0..<readerCapacity {
      let state = readerState(index).pointee.load(ordering: .sequentiallyConsistent)
      if state != 0 { passed = min(passed, state) }
    }
    return passed
  }
}
