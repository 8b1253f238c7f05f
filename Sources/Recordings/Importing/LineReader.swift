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
  private(set) var number = 0
  private let input: InputStream
  private let buffer: UnsafeMutableRawBufferPointer
  private var start = 0
  private var end = 0
  private var isAtEnd = false

  init(_ input: InputStream) {
    self.input = input
    name = input.name
    buffer = .allocate(byteCount: 16 * Self.longest, alignment: 64)
  }

  deinit { buffer.deallocate() }

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
      let count = try input.fill(UnsafeMutableRawBufferPointer(rebasing: buffer[end...]))
      isAtEnd = count < buffer.count - end
      end += count
    }
  }

  private func line(_ length: Int, skip: Int) -> UnsafeRawBufferPointer {
    var line = UnsafeRawBufferPointer(rebasing: buffer[start..<start + length])
    start += length + skip
    number += 1
    if line.last == 0x0d { line = UnsafeRawBufferPointer(rebasing: line.dropLast()) }
    return line
  }
}
