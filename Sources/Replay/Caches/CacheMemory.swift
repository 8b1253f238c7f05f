import Addresses

/// The memory of caches: what they hold is freed with it, so it outlives them.
///
/// A cache itself is a pointer and two numbers, copied at will, so that the replay's inner loop touches no reference count.
final class CacheMemory {
  private var pieces: [Piece] = []

  private final class Piece {
    let keys: Storage<UInt32>
    // A look-up reads four at a time.
    init(_ count: Int) { keys = Storage(repeating: SetAssociativeCache.empty, count: count + 3) }
  }

  /// Room for so many keys, none of them cached.
  func keys(_ count: Int) -> UnsafeMutablePointer<UInt32> {
    let piece = Piece(count)
    pieces.append(piece)
    return piece.keys.base
  }
}
