/// Why a line of a walk script was not understood: the sentence after `ERR line N: `.
struct ScriptError: Error {
  let reason: String
  init(_ reason: String) { self.reason = reason }
}

/// One line of a walk script, cut at blanks, without its comment.
struct ScriptLine {
  private let bytes: UnsafeRawBufferPointer
  private var words: [Range<Int>] = []

  /// The most words a line may have; more is refused, not cut.
  static let wordLimit = 64

  init(_ bytes: UnsafeRawBufferPointer) throws(ScriptError) {
    self.bytes = bytes
    var start: Int?
    for (index, byte) in bytes.enumerated() {
      let isBlank = byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
      if isBlank || byte == UInt8(ascii: "#") {
        if let first = start { words.append(first..<index) }
        start = nil
        if !isBlank { return }
      } else if start == nil {
        start = index
      }
      if words.count > Self.wordLimit { throw ScriptError("more than \(Self.wordLimit) words; split the line") }
    }
    if let first = start { words.append(first..<bytes.count) }
  }

  /// How many words the line has; 0 for an empty line or a comment.
  var count: Int { words.count }

  /// A word as text that a message can quote: cut after 40 bytes, `?` where it is not printable ASCII.
  func text(_ index: Int) -> String { text(words[index]) }

  private func text(_ word: Range<Int>) -> String {
    String(
      decoding: bytes[word].prefix(40).map { (0x20...0x7e).contains($0) ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
  }

  /// Refuses a line that does not have exactly these operands after its command.
  func expect(_ operands: String...) throws(ScriptError) {
    guard count == operands.count + 1 else {
      let usage = ([text(0)] + operands).joined(separator: " ")
      throw ScriptError("\(count - 1) operands; expected `\(usage)`")
    }
  }

  /// An operand in hexadecimal without prefix (a `0x` is let pass).
  func hex(_ index: Int, _ name: String) throws(ScriptError) -> UInt64 {
    var word = words[index]
    if hasHexPrefix(word) { word = word.lowerBound + 2..<word.upperBound }
    guard let value = digits(word, radix: 16) else {
      throw ScriptError("\(name) '\(text(index))' is not a hexadecimal number of at most 64 bits")
    }
    return value
  }

  /// The words from `first` on as `key=value`, the values in C syntax or as they stand.
  func pairs(from first: Int) throws(ScriptError) -> [Pair] {
    var pairs: [Pair] = []
    for index in first..<max(first, count) {
      let word = words[index]
      guard let equals = bytes[word].firstIndex(of: UInt8(ascii: "=")) else {
        throw ScriptError("'\(text(index))' is not of the form key=value")
      }
      let value = equals + 1..<word.upperBound
      pairs.append(
        Pair(
          key: text(word.lowerBound..<equals), text: text(value), number: number(value)))
    }
    return pairs
  }

  /// A `key=value`.
  struct Pair {
    let key: String
    let text: String
    /// The value as a number, nil if it is none.
    let number: UInt64?

    /// The value as a number of at most `limit`.
    func number(upTo limit: UInt64 = .max) throws(ScriptError) -> UInt64 {
      guard let number else {
        throw ScriptError("\(key) '\(text)' is not a number of at most 64 bits in C syntax (0x.. for hexadecimal)")
      }
      guard number <= limit else { throw ScriptError("\(key) is \(text); expected at most \(limit)") }
      return number
    }

    /// The value as the size of an access.
    func size() throws(ScriptError) -> Int {
      guard let number, (1...4096).contains(number) else {
        throw ScriptError("\(key) is '\(text)'; expected 1...4096 bytes")
      }
      return Int(number)
    }

    /// The value as 0 or 1.
    func flag() throws(ScriptError) -> Bool {
      guard let number, number <= 1 else { throw ScriptError("\(key) is '\(text)'; expected 0 or 1") }
      return number == 1
    }
  }

  private func hasHexPrefix(_ word: Range<Int>) -> Bool {
    word.count > 2 && bytes[word.lowerBound] == UInt8(ascii: "0")
      && bytes[word.lowerBound + 1] | 32 == UInt8(ascii: "x")
  }

  /// A number in C syntax: decimal, `0x` hexadecimal, or octal after a leading 0.
  private func number(_ word: Range<Int>) -> UInt64? {
    if hasHexPrefix(word) { return digits(word.lowerBound + 2..<word.upperBound, radix: 16) }
    let isOctal = word.count > 1 && bytes[word.lowerBound] == UInt8(ascii: "0")
    return digits(word, radix: isOctal ? 8 : 10)
  }

  private func digits(_ word: Range<Int>, radix: UInt64) -> UInt64? {
    guard !word.isEmpty else { return nil }
    var value: UInt64 = 0
    for byte in bytes[word] {
      let digit: UInt64
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = UInt64(byte - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = UInt64(byte - UInt8(ascii: "a")) + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = UInt64(byte - UInt8(ascii: "A")) + 10
      default: return nil
      }
      guard digit < radix else { return nil }
      let (product, over) = value.multipliedReportingOverflow(by: radix)
      let (sum, carry) = product.addingReportingOverflow(digit)
      guard !over, !carry else { return nil }
      value = sum
    }
    return value
  }
}
