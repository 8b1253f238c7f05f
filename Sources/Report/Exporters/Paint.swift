/// ANSI colours for tones.
enum Paint {
  private static let reset = "\u{1B}[0m"

  static func bold(_ text: String, if paints: Bool) -> String { paints ? "\u{1B}[1m\(text)\(reset)" : text }

  static func tone(_ tone: Tone, _ text: String, if paints: Bool) -> String {
    guard paints, let code = code(of: tone) else { return text }
    return "\(code)\(text)\(reset)"
  }

  private static func code(of tone: Tone) -> String? {
    switch tone {
    case .plain: nil
    case .good: "\u{1B}[32m"
    case .bad: "\u{1B}[31m"
    case .doubtful: "\u{1B}[33m"
    }
  }

  // The table library aligns by counting characters and knows no colours. Where a report is painted, every cell and heading
  // therefore opens with one character of a private-use area that names its tone, so that all widths grow alike; once a
  // line is laid out the marks give way to escape sequences.
  private static let marks: [(tone: Tone, mark: Character)] = [
    (.plain, "\u{E000}"), (.good, "\u{E001}"), (.bad, "\u{E002}"), (.doubtful, "\u{E003}"),
  ]

  static func mark(_ tone: Tone, _ text: String, if paints: Bool) -> String {
    guard paints, let mark = marks.first(where: { $0.tone == tone })?.mark else { return text }
    return "\(mark)\(text)"
  }

  /// Columns the text takes once its marks are replaced.
  static func width(of text: String) -> Int { text.count { !isMark($0) } }

  static func isMark(_ character: Character) -> Bool { marks.contains { $0.mark == character } }

  static func replacingMarks(in line: String) -> String {
    var painted = ""
    var open = false
    for character in line {
      if let tone = marks.first(where: { $0.mark == character })?.tone {
        if open { painted += reset }
        open = code(of: tone) != nil
        painted += code(of: tone) ?? ""
      } else {
        painted.append(character)
      }
    }
    return open ? painted + reset : painted
  }
}
