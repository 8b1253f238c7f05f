import Addresses

/// A text file that appears whole, when `finish()` is called; `-` is standard output, which gets its text at once.
///
/// A record is put together in raw memory and ends with ``endRecord()``, which is where room is looked for: no record of numbers
/// takes ``longestRecord`` bytes.
package final class TextOutput {
  private static let capacity = 1 << 19
  private static let longestRecord = 1 << 12

  private let file: WholeFile
  private let bytes = Storage<UInt8>(repeating: 0, count: capacity + longestRecord)
  @exclusivity(unchecked) private var count = 0

  package init(path: String) throws(RecordingError) { file = try WholeFile(OutputTarget.checked(path)) }

  /// A text of any length.
  package func put(_ text: String) throws(RecordingError) {
    for byte in text.utf8 {
      put(byte)
      if count >= Self.capacity { try drain() }
    }
  }

  /// The end of a record, as a text that is written in every one.
  func endRecord(_ text: StaticString = "\n") throws(RecordingError) {
    put(fixed: text)
    if count >= Self.capacity { try drain() }
  }

  func put(_ byte: UInt8) {
    bytes.base[count] = byte
    count &+= 1
  }

  func put(fixed text: StaticString) {
    let length = text.utf8CodeUnitCount
    (bytes.base + count).update(from: text.utf8Start, count: length)
    count &+= length
  }

  /// Two digits at a time.
  func put(decimal value: UInt64) {
    var length = 1
    var limit: UInt64 = 10
    while length < 20, value >= limit {
      length &+= 1
      limit = limit &* 10
    }
    var rest = value
    var end = bytes.base + count + length
    while rest >= 10 {
      let (quotient, pair) = rest.quotientAndRemainder(dividingBy: 100)
      end -= 2
      let tens = (pair &* 103) &>> 10
      end[0] = 0x30 | UInt8(truncatingIfNeeded: tens)
      end[1] = 0x30 | UInt8(truncatingIfNeeded: pair &- 10 &* tens)
      rest = quotient
    }
    if end > bytes.base + count { bytes.base[count] = 0x30 | UInt8(truncatingIfNeeded: rest) }
    count &+= length
  }

  func put(hexadecimal value: UInt64) {
    put(0x30)
    put(0x78)
    put(digits: value, count: max(1, (67 &- value.leadingZeroBitCount) &>> 2))
  }

  /// The last 1 to 16 hexadecimal digits, leading zeros included.
  func put(digits value: UInt64, count digits: Int) {
    let first = value &<< UInt64(64 &- 4 &* digits)
    let target = UnsafeMutableRawPointer(bytes.base + count)
    target.storeBytes(of: Self.digits(of: first &>> 32), as: UInt64.self)
    target.storeBytes(of: Self.digits(of: first & 0xffff_ffff), toByteOffset: 8, as: UInt64.self)
    count &+= digits
  }

  /// The eight hexadecimal digits of 32 bits, the first in the lowest byte.
  private static func digits(of word: UInt64) -> UInt64 {
    var nibbles = (word | word &<< 16) & 0x0000_ffff_0000_ffff
    nibbles = (nibbles | nibbles &<< 8) & 0x00ff_00ff_00ff_00ff
    nibbles = (nibbles | nibbles &<< 4) & 0x0f0f_0f0f_0f0f_0f0f
    let letters = (nibbles &+ 0x0606_0606_0606_0606) &>> 4 & 0x0101_0101_0101_0101
    return (nibbles &+ 0x3030_3030_3030_3030 &+ letters &* 0x27).byteSwapped
  }

  private func drain() throws(RecordingError) {
    try file.write(UnsafeRawBufferPointer(start: bytes.base, count: count))
    count = 0
  }

  /// Writes the rest, and puts the file in its place.
  package func finish() throws(RecordingError) {
    try drain()
    try file.finish()
  }
}
