/// Gives pages frames in the order of first touch, as an operating system would: a log of virtual addresses becomes a
/// trace of a memory just as large as what it touches, and one of guest-physical addresses beyond a run's reach likewise.
struct FirstTouchFrames {
  private var frames: [UInt64: UInt64] = [:]
  private var lastPage = UInt64.max
  private var lastFrame: UInt64 = 0

  /// The frame of a page.
  mutating func frame(of page: UInt64) -> UInt64 {
    if page == lastPage { return lastFrame }
    let next = UInt64(frames.count)
    lastPage = page
    lastFrame = frames[page, default: next]
    if lastFrame == next { frames[page] = next }
    return lastFrame
  }

  /// Writes stores of a range to the trace; one larger than a record can be becomes several, whose values are not told.
  @inline(__always)
  mutating func store(
    _ address: UInt64, _ size: UInt64, vcpu: Int, count: UInt64, rip: UInt64,
    value: (low: UInt64, high: UInt64)? = nil, into writer: RecordingWriter
  ) throws(WriterFlaw) {
    if size &- 1 < UInt64(Place.maximumSize) {
      try record(address, Int(truncatingIfNeeded: size), vcpu, count, rip, value, writer)
      return
    }
    try Piece.each(of: address, size) { piece throws(WriterFlaw) in
      try record(piece.address, piece.size, vcpu, count, rip, nil, writer)
    }
  }

  @inline(__always)
  private mutating func record(
    _ address: UInt64, _ size: Int, _ vcpu: Int, _ count: UInt64, _ rip: UInt64, _ value: (low: UInt64, high: UInt64)?,
    _ writer: RecordingWriter
  ) throws(WriterFlaw) {
    let page = address >> 12
    let first = frame(of: page)
    // Frames of neighbours need not be neighbours.
    let rest = address & 0xfff + UInt64(size) > 4096 ? frame(of: page &+ 1 & (1 << 52 - 1)) : nil
    try writer.append(
      vcpu: vcpu, count: count, gpa: first << 12 | address & 0xfff, gva: address, size: size, rip: rip, value: value,
      rest: rest)
  }
}
