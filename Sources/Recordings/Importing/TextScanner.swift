#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Takes numbers and words from the front of a line; what does not match is nil, never a trap.
struct TextScanner {
  private var at: UnsafeRawPointer
  private var end: UnsafeRawPointer

  /// Stands in for the bytes of a line that has none.
  private static let nothing: StaticString = " "

  init(_ line: UnsafeRawBufferPointer) {
    at = line.baseAddress ?? UnsafeRawPointer(Self.nothing.utf8Start)
    end = at + line.count
  }

  /// How many bytes are left.
  var count: Int { end - at }

  @inline(__always) var isAtEnd: Bool { at == end }

  /// What is left.
  var remaining: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: at, count: end - at) }

  /// The next byte, which stays.
  @inline(__always) var peek: UInt8? { at == end ? nil : at.load(as: UInt8.self) }

  /// Drops as many bytes, or all there are.
  @inline(__always)
  mutating func drop(_ count: Int) { at += min(max(count, 0), end - at) }

  @inline(__always)
  mutating func skipSpaces() {
    while at != end {
      let byte = at.load(as: UInt8.self)
      guard byte == 0x20 || byte == 0x09 else { return }
      at += 1
    }
  }

  /// Takes the byte if it is the next one.
  @inline(__always)
  mutating func take(_ byte: UInt8) -> Bool {
    guard at != end, at.load(as: UInt8.self) == byte else { return false }
    at += 1
    return true
  }

  /// Takes the text if it is next.
  @inline(__always)
  mutating func take(_ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard end - at >= count else { return false }
    for index in 0..<count where at.load(fromByteOffset: index, as: UInt8.self) != text.utf8Start[index] {
      return false
    }
    at += count
    return true
  }

  /// Everything up to the byte, which stays; all of the rest if it does not come.
  @inline(__always)
  mutating func field(upTo byte: UInt8) -> UnsafeRawBufferPointer {
    let start = at
    while at != end, at.load(as: UInt8.self) != byte { at += 1 }
    return UnsafeRawBufferPointer(start: start, count: at - start)
  }

  /// Moves behind the first occurrence of the text; false, and nothing moves, if there is none.
  mutating func find(_ text: StaticString) -> Bool {
    let length = text.utf8CodeUnitCount
    var from = at
    while length > 0, end - from >= length,
      let found = memchr(from, Int32(text.utf8Start[0]), end - from - length + 1)
    {
      if memcmp(found, text.utf8Start, length) == 0 {
        at = UnsafeRawPointer(found) + length
        return true
      }
      from = UnsafeRawPointer(found) + 1
    }
    return false
  }

  /// Decimal digits.
  @inline(__always)
  mutating func decimal() -> UInt64? {
    var value: UInt64 = 0
    var next = at
    while next != end {
      let digit = next.load(as: UInt8.self) &- 0x30
      guard digit < 10 else { break }
      // Nineteen digits always fit.
      if next - at >= 19 {
        let (product, high) = value.multipliedReportingOverflow(by: 10)
        let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
        if high || carry { return nil }
        value = sum
      } else {
        value = value &* 10 &+ UInt64(digit)
      }
      next += 1
    }
    if next == at { return nil }
    at = next
    return value
  }

  /// The value of a hexadecimal digit; 16 and more for any other byte.
  @inline(__always)
  private static func digit(_ byte: UInt8) -> UInt8 {
    let number = byte &- 0x30
    if number < 10 { return number }
    let letter = (byte | 0x20) &- 0x61
    return letter < 6 ? letter + 10 : 16
  }

  /// The value of eight hexadecimal digits, loaded as they lie; nil if one of them is none. All eight at once: each byte by itself is
  /// compared by an addition that carries into its highest bit.
  @inline(__always)
  private static func eightDigits(_ text: UInt64) -> UInt64? {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let bytes = UInt64(littleEndian: text)
    let lower = bytes | 0x20 &* ones
    // From 0x30 on and not from 0x3a on; from 0x61 on and not from 0x67 on.
    let number = (bytes &+ 0x50 &* ones) & ~(bytes &+ 0x46 &* ones)
    let letter = (lower &+ 0x1f &* ones) & ~(lower &+ 0x19 &* ones)
    let highest = 0x80 &* ones
    guard bytes & highest == 0, (number | letter) & highest == highest else { return nil }
    var digits = ((bytes & (0x0f &* ones)) &+ 9 &* (bytes >> 6 & ones)).byteSwapped
    digits = (digits | digits >> 4) & 0x00ff_00ff_00ff_00ff
    digits = (digits | digits >> 8) & 0x0000_ffff_0000_ffff
    return (digits | digits >> 16) & 0xffff_ffff
  }

  /// Hexadecimal digits of a number of at most 64 bits, with `0x` or without.
  @inline(__always)
  mutating func hexadecimal() -> UInt64? {
    var next = at
    if end - next > 2, next.load(as: UInt8.self) == 0x30, next.load(fromByteOffset: 1, as: UInt8.self) == 0x78 {
      next += 2
    }
    let start = next
    var value: UInt64 = 0
    while end - next >= 8, let eight = Self.eightDigits(next.loadUnaligned(as: UInt64.self)) {
      if value >> 32 != 0 { return nil }
      value = value << 32 | eight
      next += 8
    }
    while next != end {
      let digit = Self.digit(next.load(as: UInt8.self))
      guard digit < 16 else { break }
      if value >> 60 != 0 { return nil }
      value = value << 4 | UInt64(digit)
      next += 1
    }
    if next == start { return nil }
    at = next
    return value
  }

  /// Hexadecimal digits of a number of at most 128 bits, with `0x` or without.
  mutating func wideHexadecimal() -> (low: UInt64, high: UInt64)? {
    var scanner = self
    _ = scanner.take("0x")
    let start = scanner.at
    var value: (low: UInt64, high: UInt64) = (0, 0)
    while let byte = scanner.peek {
      let digit = Self.digit(byte)
      guard digit < 16 else { break }
      if value.high >> 60 != 0 { return nil }
      value = (value.low << 4 | UInt64(digit), value.high << 4 | value.low >> 60)
      scanner.at += 1
    }
    if scanner.at == start { return nil }
    self = scanner
    return value
  }

  /// A number: hexadecimal behind `0x`, decimal otherwise.
  @inline(__always)
  mutating func number() -> UInt64? {
    let isHexadecimal =
      end - at > 1 && at.load(as: UInt8.self) == 0x30 && at.load(fromByteOffset: 1, as: UInt8.self) | 0x20 == 0x78
    return isHexadecimal ? hexadecimal() : decimal()
  }
}

/// The pieces of a line of trace events, each a single step: millions of lines are read so.
extension TextScanner {
  /// Takes blanks, a field's name with the blank behind it, and its number, with a comma that may follow; nil, and nothing moves, if
  /// that is not next.
  mutating func number(named name: StaticString, isDecimal: Bool = false) -> UInt64? {
    let start = at
    skipSpaces()
    if take(name), let number = isDecimal ? decimal() : hexadecimal() {
      _ = take(0x2c)
      return number
    }
    at = start
    return nil
  }

  /// Drops blanks from the end.
  mutating func trimEnd() {
    while end != at {
      let last = (end - 1).load(as: UInt8.self)
      guard last == 0x20 || last == 0x09 else { return }
      end -= 1
    }
  }

  /// Takes the last byte if it is this one.
  mutating func takeLast(_ byte: UInt8) -> Bool {
    guard end != at, (end - 1).load(as: UInt8.self) == byte else { return false }
    end -= 1
    return true
  }

  /// Takes the text from the end.
  mutating func takeLast(_ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard end - at >= count, memcmp(end - count, text.utf8Start, count) == 0 else { return false }
    end -= count
    return true
  }

  /// Takes everything behind the last such byte from the end; all there is where none is.
  mutating func lastField(behind byte: UInt8) -> UnsafeRawBufferPointer {
    let last = end
    while end != at, (end - 1).load(as: UInt8.self) != byte { end -= 1 }
    return UnsafeRawBufferPointer(start: end, count: last - end)
  }

  /// Drops the last such byte and everything behind it; false, and nothing moves, where there is none.
  mutating func dropLast(from byte: UInt8) -> Bool {
    var next = end
    while next != at, (next - 1).load(as: UInt8.self) != byte { next -= 1 }
    guard next != at else { return false }
    end = next - 1
    return true
  }

  /// Takes the decimal digits at the end, ten at most.
  mutating func lastNumber() -> UInt64? {
    var value: UInt64 = 0
    var place: UInt64 = 1
    let last = end
    while end != at, last - end < 10, (end - 1).load(as: UInt8.self) &- 0x30 < 10 {
      end -= 1
      value &+= place &* UInt64(end.load(as: UInt8.self) &- 0x30)
      place &*= 10
    }
    return last == end ? nil : value
  }
}

/// The pieces of a flat JSON object, each a single step: millions of lines are read so.
extension TextScanner {
  /// Takes `"NAME":`, and gives the name's letters, the first one lowest, or 0 for a name of more than eight; nil for anything else.
  mutating func fieldName() -> UInt64? {
    guard take(0x22) else { return nil }
    var letters: UInt64 = 0
    var shift: UInt64 = 0
    while at != end {
      let byte = at.load(as: UInt8.self)
      at += 1
      if byte == 0x22 {
        skipSpaces()
        guard take(0x3a) else { return nil }
        skipSpaces()
        return shift > 64 ? 0 : letters
      }
      if shift < 64 { letters |= UInt64(byte) << shift }
      shift &+= 8
    }
    return nil
  }

  /// Takes what stands behind a field: a comma, or the end of the object, which is true; nil for anything else.
  mutating func fieldEnd() -> Bool? {
    skipSpaces()
    if take(0x7d) { return true }
    guard take(0x2c) else { return nil }
    skipSpaces()
    return false
  }

  /// Takes a whole number, or a text of one, decimal or hexadecimal behind 0x; nil for anything else.
  mutating func fieldNumber() -> UInt64? {
    guard take(0x22) else {
      let number = decimal()
      // A fraction or an exponent.
      return peek == 0x2e || peek.map { $0 | 0x20 } == 0x65 ? nil : number
    }
    let value = number()
    return take(0x22) ? value : nil
  }

  /// Takes a text in quotes, as it stands, escapes and all; nil for anything else.
  mutating func fieldText() -> UnsafeRawBufferPointer? {
    guard take(0x22) else { return nil }
    let start = at
    while at != end, at.load(as: UInt8.self) != 0x22 { at += at.load(as: UInt8.self) == 0x5c ? min(2, end - at) : 1 }
    let text = UnsafeRawBufferPointer(start: start, count: at - start)
    return take(0x22) ? text : nil
  }
}
