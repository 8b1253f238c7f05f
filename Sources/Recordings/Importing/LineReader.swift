import Addresses

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The lines of a text, one at a time, without their ends; memory is bounded whatever the text is.
final class LineReader {
  /// The most bytes of a line.
  static let longest = 1 << 16

  let name: String
  /// The number of the line last handed out, counted from 1.
  @exclusivity(unchecked) private(set) var number = 0
  private let input: UnpackedInput
  /// A few of the longest lines: what lies in a cache, and costs little where a text is short.
  private let storage = Storage<UInt8>(uninitialized: 3 * longest)
  private var buffer: UnsafeMutableRawBufferPointer { .init(start: storage.base, count: storage.count) }
  @exclusivity(unchecked) private var start = 0
  @exclusivity(unchecked) private var end = 0
  private var isAtEnd = false

  /// Opens a text, packed or not; what is no text at all is refused by its name.
  init(_ packed: InputStream) throws(RecordingError) {
    input = try UnpackedInput(packed)
    name = input.name
    try more()
    if let foreign = ForeignFile(firstBytes: UnsafeRawBufferPointer(rebasing: buffer[..<min(end, 4096)])) {
      throw RecordingError(
        .input, file: name,
        found: foreign.name + (input.packing == .none ? "" : ", packed by \(input.packing.rawValue)"),
        expected: "the text of a log", remedy: foreign.remedy)
    }
    // A byte order mark says nothing in UTF-8.
    if end >= 3, buffer[0] == 0xef, buffer[1] == 0xbb, buffer[2] == 0xbf { start = 3 }
  }

  /// What of the text lies ahead, without taking it: whole lines, at least as many as fit 64 KiB.
  var ahead: UnsafeRawBufferPointer {
    let bytes = UnsafeRawBufferPointer(rebasing: buffer[start..<end])
    if isAtEnd { return bytes }
    return UnsafeRawBufferPointer(rebasing: bytes[..<((bytes.lastIndex(of: 0x0a) ?? -1) + 1)])
  }

  /// The next line, valid until the one after is asked for; nil at the end.
  func next() throws(RecordingError) -> UnsafeRawBufferPointer? {
    guard let base = buffer.baseAddress else { return nil }
    while true {
      if let found = memchr(base + start, 0x0a, end - start) {
        let length = UnsafeRawPointer(found) - UnsafeRawPointer(base + start)
        return line(length, skip: 1)
      }
      if isAtEnd { return start < end ? line(end - start, skip: 0) : nil }
      guard end - start < Self.longest else {
        throw RecordingError(
          .input, file: name, line: number + 1, found: "a line of more than \(Self.longest) bytes",
          expected: "a text of lines", remedy: "check that --from names the format of this file")
      }
      memmove(base, base + start, end - start)
      end -= start
      start = 0
      try more()
    }
  }

  /// Reads on behind what is there.
  private func more() throws(RecordingError) {
    let count = try input.fill(UnsafeMutableRawBufferPointer(rebasing: buffer[end...]))
    isAtEnd = count < buffer.count - end
    end += count
  }

  private func line(_ length: Int, skip: Int) -> UnsafeRawBufferPointer {
    var line = UnsafeRawBufferPointer(rebasing: buffer[start..<start + length])
    start += length + skip
    number += 1
    if line.last == 0x0d { line = UnsafeRawBufferPointer(rebasing: line.dropLast()) }
    return line
  }
}
