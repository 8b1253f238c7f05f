/// Offsets as differences to the last offset on the same page: what the places column holds on disk.
///
/// Code that fills, copies or counts touches a page in equal steps, wherever the page lies; as differences these repeat, and
/// a recording's places shrink to about a third. The last offsets are kept in a direct-mapped table: pages that share a slot
/// predict each other badly, never wrongly.
struct PlacePrediction: ~Copyable {
  private let last: UnsafeMutablePointer<UInt16>
  private static let slots = 1 << 16

  init() { last = .allocate(capacity: Self.slots) }

  deinit { last.deallocate() }

  /// Replaces the offsets of a block's places by differences.
  func encode(_ places: UnsafeMutablePointer<UInt16>, runs: UnsafePointer<UInt64>, count: Int) {
    rewrite(places, runs: runs, count: count) { offset, last in (stored: (offset &- last) & 0xfff, offset: offset) }
  }

  /// Replaces the differences of a block's places by offsets.
  func decode(_ places: UnsafeMutablePointer<UInt16>, runs: UnsafePointer<UInt64>, count: Int) {
    rewrite(places, runs: runs, count: count) { stored, last in
      // The sum is kept whole, so that one access waits for no more than an addition of the one before.
      let sum = stored &+ last
      return (stored: sum & 0xfff, offset: sum)
    }
  }

  @inline(__always)
  private func rewrite(
    _ places: UnsafeMutablePointer<UInt16>, runs: UnsafePointer<UInt64>, count: Int,
    _ body: (_ low: UInt16, _ last: UInt16) -> (stored: UInt16, offset: UInt16)
  ) {
    last.initialize(repeating: 0, count: Self.slots)
    var access = 0
    for run in 0..<count {
      let slot = last + Int(runs[run] & UInt64(Self.slots - 1))
      let end = access &+ Int(runs[run] >> 32 & 0xffff)
      // In a register: through memory each access would wait for the one before to arrive there.
      var last = slot.pointee
      while access < end {
        let (stored, offset) = body(places[access] & 0xfff, last)
        places[access] = places[access] & 0xf000 | stored
        last = offset
        access &+= 1
      }
      slot.pointee = last
    }
  }
}
