import Addresses

/// A line of 64 bytes of guest memory.
public struct MemoryLine: Hashable, Sendable {
  /// The number of the line, counted from guest-physical 0.
  public let number: UInt64

  init(page: UInt32, offset: Int) { number = (UInt64(page) << 12 | UInt64(offset)) >> 6 }
}

extension MonitorTree {
  /// The lines that a look-up of a page waits for, one in each node that it reads: the header of an interior node, the block of
  /// a leaf. Its other lines of a node are asked for at once with that one, or later and without waiting.
  public func linesWaitedFor(lookingUp page: GuestPageNumber) -> [MemoryLine] {
    var lines: [MemoryLine] = []
    var visited = 0
    _ = place(of: page, from: snapshot, nodesVisited: &visited) { lines.append($0) }
    return lines
  }
}
