/// Takes numbers and words from the front of a line; what does not match is nil, never a trap.
struct TextScanner {
  private var rest: UnsafeRawBufferPointer

  /// How many bytes are left.
  var count: Int { rest.count }

  init(_ line: UnsafeRawBufferPointer) { rest = line }

  var isAtEnd: Bool { rest.isEmpty }

  /// The next byte, which stays.
  var peek: UInt8? { rest.first }

  mutating func drop(_ count: Int) { rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count)) }

  mutating func skipSpaces() {
    var count = 0
    while count < rest.count, rest[count] == 0x20 || rest[count] == 0x09 { count += 1 }
    if count > 0 { drop(count) }
  }

  /// Takes the byte if it is the next one.
  mutating func take(_ byte: UInt8) -> Bool {
    guard rest.first == byte else { return false }
    drop(1)
    return true
  }

  /// Takes the text if it is next.
  mutating func take(_ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard rest.count >= count else { return false }
    for index in 0..<count where rest[index] != text.utf8Start[index] { return false }
    drop(count)
    return true
  }

  /// Everything up to the byte, which stays; all of the rest if it does not come.
  mutating func field(upTo byte: UInt8) -> UnsafeRawBufferPointer {
    var count = 0
    while count < rest.count, rest[count] != byte { count += 1 }
    let field = UnsafeRawBufferPointer(rebasing: rest[..<count])
    drop(count)
    return field
  }

  /// Moves behind the first occurrence of the text; false, and nothing moves, if there is none.
  mutating func find(_ text: StaticString) -> Bool {
    var scanner = self
    while !scanner.isAtEnd {
      if scanner.take(text) {
        self = scanner
        return true
      }
      scanner.drop(1)
    }
    return false
  }

  /// Decimal digits.
  mutating func decimal() -> UInt64? {
    var value: UInt64 = 0
    var count = 0
    while count < rest.count, rest[count] &- 0x30 < 10 {
      let (product, high) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(UInt64(rest[count] &- 0x30))
      if high || carry { return nil }
      value = sum
      count += 1
    }
    if count == 0 { return nil }
    drop(count)
    return value
  }

  /// Hexadecimal digits of a number of at most 64 bits, with `0x` or without.
  mutating func hexadecimal() -> UInt64? {
    guard let (low, high) = wideHexadecimal(), high == 0 else { return nil }
    return low
  }

  /// Hexadecimal digits of a number of at most 128 bits, with `0x` or without.
  mutating func wideHexadecimal() -> (low: UInt64, high: UInt64)? {
    var scanner = self
    _ = scanner.take("0x")
    var value: (low: UInt64, high: UInt64) = (0, 0)
    var count = 0
    while count < scanner.rest.count {
      let byte = scanner.rest[count]
      let digit: UInt8
      switch byte {
      case 0x30...0x39: digit = byte - 0x30
      case 0x41...0x46: digit = byte - 0x37
      case 0x61...0x66: digit = byte - 0x57
      default: digit = 16
      }
      if digit == 16 { break }
      if value.high >> 60 != 0 { return nil }
      value = (value.low << 4 | UInt64(digit), value.high << 4 | value.low >> 60)
      count += 1
    }
    if count == 0 { return nil }
    scanner.drop(count)
    self = scanner
    return value
  }

  /// A number: hexadecimal behind `0x`, decimal otherwise.
  mutating func number() -> UInt64? {
    rest.count > 1 && rest[0] == 0x30 && rest[1] | 0x20 == 0x78 ? hexadecimal() : decimal()
  }
}
