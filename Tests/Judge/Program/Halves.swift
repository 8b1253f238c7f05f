/// An access that crosses a page, for a walk protocol that has no `size=`: two lines, one a page.
///
/// "Halves are translated one after the other, each completely; the first that does not end in OK is the answer, and the other is not
/// asked after it": so of the two answers the second counts only if the first is OK.
enum Halves {
  /// The linear address, the words between it and the size, and the size, if the line is one of a crossing access.
  private static func crossing(_ line: Substring) -> (linear: UInt64, words: String)? {
    let words = line.split(separator: " ")
    guard words.count > 3, words[0] == "la", let size = words.last, size.hasPrefix("size="),
      let bytes = UInt64(size.dropFirst(5)), let linear = UInt64(words[1], radix: 16), linear & 0xfff + bytes > 0x1000
    else { return nil }
    return (linear, words[2..<(words.count - 1)].joined(separator: " "))
  }

  /// Whether the line is asked as two.
  static func isCrossing(_ line: Substring) -> Bool { crossing(line) != nil }

  /// The lines that stand for this one.
  static func lines(_ line: Substring) -> [Substring] {
    guard let (linear, words) = crossing(line) else { return [line] }
    return [linear, (linear | 0xfff) + 1].map { "la \(hex($0)) \(words)" }
  }

  /// The answer to the whole access.
  static func joined(_ first: Answer, _ second: Answer) -> Answer {
    guard first.kind == "OK" else { return first }
    return Answer(
      head: second.kind == "OK" ? first.head : second.head, writes: first.writes + second.writes, log: second.log)
  }
}
