/// Gives virtual pages frames in the order of first touch, as an operating system would: a log of virtual addresses becomes a
/// trace of a memory just as large as what it touches.
struct FirstTouchFrames {
  private var frames: [UInt64: UInt64] = [:]
  private var lastPage = UInt64.max
  private var lastFrame: UInt64 = 0

  /// The frame of a virtual page.
  mutating func frame(of page: UInt64) -> UInt64 {
    if page == lastPage { return lastFrame }
    let next = UInt64(frames.count)
    lastPage = page
    lastFrame = frames[page, default: next]
    if lastFrame == next { frames[page] = next }
    return lastFrame
  }

  /// Writes stores of a virtual range to the trace; one larger than a record can be becomes several.
  mutating func store(
    _ address: UInt64, _ size: UInt64, vcpu: Int, count: UInt64, rip: UInt64, into writer: RecordingWriter
  ) throws(WriterFlaw) {
    guard size >= 1, size <= 1 << 12 else { throw .record(Flaw(found: "size \(size)", expected: "1 to 4096 bytes")) }
    var address = address
    var left = size
    while left > 0 {
      let piece = min(left, UInt64(Place.maximumSize))
      let page = address >> 12
      let first = frame(of: page)
      // Frames of neighbours need not be neighbours.
      let rest = address & 0xfff + piece > 4096 ? frame(of: page &+ 1 & (1 << 52 - 1)) : nil
      try writer.append(
        vcpu: vcpu, count: count, gpa: first << 12 | address & 0xfff, gva: address, size: Int(piece), rip: rip,
        value: nil, rest: rest)
      address &+= piece
      left -= piece
    }
  }
}
