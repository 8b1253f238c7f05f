import SeededRandom
import Testing

@testable import Recordings

@Suite("The scanner of lines")
struct TextScannerTests {
  private static func scan<Result>(_ text: [UInt8], _ body: (inout TextScanner) -> Result) -> (
    result: Result, left: Int
  ) {
    text.withUnsafeBytes { bytes in
      var scanner = TextScanner(bytes)
      let result = body(&scanner)
      return (result, scanner.count)
    }
  }

  @Test("reads hexadecimal numbers as the standard library does, whatever stands behind them")
  func hexadecimal() {
    let seed: UInt64 = 77
    var random = SplitMix64(seed: seed)
    let digits = Array("0123456789abcdefABCDEF".utf8)
    for trial in 0..<20_000 {
      let count = Int.random(in: 0...20, using: &random)
      let number = (0..<count).map { _ in digits.randomElement(using: &random) ?? 0 }
      let hasPrefix = Bool.random(using: &random)
      // Any byte that is no digit, neighbours of the digits and bytes above 127 among them.
      var next = [0x2f, 0x3a, 0x40, 0x47, 0x60, 0x67, 0xb0, 0xe1, 0x20, 0x00].randomElement(using: &random) ?? UInt8(0)
      if trial % 3 == 0 { next = UInt8.random(in: 128...255, using: &random) }
      let text = (hasPrefix ? Array("0x".utf8) : []) + number + [next] + Array("12345678".utf8)
      let expected = UInt64(String(decoding: number, as: UTF8.self), radix: 16)
      let (value, left) = Self.scan(text) { $0.hexadecimal() }
      if count == 0, hasPrefix {
        // "0x" alone is no number.
        #expect(value == nil && left == text.count, "seed \(seed), trial \(trial)")
        continue
      }
      #expect(value == expected, "seed \(seed), trial \(trial)")
      #expect(left == (expected == nil ? text.count : 9), "seed \(seed), trial \(trial)")
    }
  }

  @Test("reads decimal numbers up to 64 bits, and none beyond")
  func decimal() {
    for text in [
      "0", "18446744073709551615", "18446744073709551616", "99999999999999999999", "00000000000000000000001", "", "x",
    ] {
      let (value, left) = Self.scan(Array((text + ",").utf8)) { $0.decimal() }
      #expect(value == UInt64(text) && left == (value == nil ? text.utf8.count + 1 : 1), "\(text)")
    }
  }

  @Test("takes from the end what is there, and never more")
  func fromTheEnd() {
    let text = Array("a b-12 [3]  ".utf8)
    let (rest, _) = Self.scan(text) { scanner -> String in
      scanner.trimEnd()
      #expect(
        !scanner.takeLast(0x20) && scanner.takeLast(0x5d) && scanner.lastNumber() == 3 && scanner.lastNumber() == nil)
      #expect(scanner.dropLast(from: 0x5b) && !scanner.dropLast(from: 0x5b))
      scanner.trimEnd()
      #expect(scanner.lastNumber() == 12 && scanner.takeLast("-") && !scanner.takeLast("longer than the rest"))
      return String(decoding: scanner.remaining, as: UTF8.self)
    }
    #expect(rest == "a b")
    let (last, left) = Self.scan(Array("no blank".utf8)) { String(decoding: $0.lastField(behind: 0x7a), as: UTF8.self) }
    #expect(last == "no blank" && left == 0)
  }
}
