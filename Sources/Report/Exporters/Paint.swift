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
}
