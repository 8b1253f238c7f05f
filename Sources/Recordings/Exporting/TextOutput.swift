/// A text file that appears whole, when `finish()` is called; `-` is standard output, which gets its text at once.
package final class TextOutput {
  private let file: WholeFile
  private var bytes: [UInt8] = []

  package init(path: String) throws(RecordingError) {
    file = try WholeFile(OutputTarget.checked(path))
    bytes.reserveCapacity(1 << 20)
  }

  package func put(_ text: String) throws(RecordingError) {
    bytes.append(contentsOf: text.utf8)
    try drainIfFull()
  }

  func put(_ byte: UInt8) { bytes.append(byte) }

  func put(decimal value: UInt64) {
    let start = bytes.count
    var rest = value
    repeat {
      bytes.append(0x30 + UInt8(truncatingIfNeeded: rest % 10))
      rest /= 10
    } while rest > 0
    bytes[start...].reverse()
  }

  func put(hexadecimal value: UInt64) {
    bytes.append(0x30)
    bytes.append(0x78)
    put(digits: value, count: max(1, (67 - value.leadingZeroBitCount) / 4))
  }

  /// As many hexadecimal digits, leading zeros included.
  func put(digits value: UInt64, count: Int) {
    for place in (0..<count).reversed() {
      let digit = UInt8(truncatingIfNeeded: value >> UInt64(4 * place) & 15)
      bytes.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
    }
  }

  func drainIfFull() throws(RecordingError) {
    if bytes.count >= 1 << 19 { try drain() }
  }

  private func drain() throws(RecordingError) {
    try bytes.withBytes { bytes throws(RecordingError) in try file.write(bytes) }
    bytes.removeAll(keepingCapacity: true)
  }

  /// Writes the rest, and puts the file in its place.
  package func finish() throws(RecordingError) {
    try drain()
    try file.finish()
  }
}
