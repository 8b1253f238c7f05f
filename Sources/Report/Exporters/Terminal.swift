import Recordings

/// Text that is safe and pleasant on a terminal.
package enum Terminal {
  /// Columns that running text fills.
  package static let width = 110

  /// The text with everything a terminal could act on replaced by `?`: names in recordings are hostile input.
  package static func printable(_ text: String) -> String {
    var safe = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .nonspacingMark, .enclosingMark: safe.append("?")
      default: safe.append(scalar.value > 0xFFFF || SafeText.isActive(scalar) ? "?" : scalar)
      }
    }
    return String(safe)
  }

  /// Lines of at most `width` columns, each with this indent; at least one line. A longer word sticks out, or is broken.
  package static func wrapped(
    _ text: String, indent: String = "", width: Int = width, breakingWords: Bool = false
  ) -> [String] {
    var lines = [indent]
    for var word in printable(text).split(separator: " ") {
      let room = max(1, width - indent.count)
      while breakingWords, word.count > room {
        let last = lines.count - 1
        if lines[last].count == indent.count {
          lines[last] += word.prefix(room)
        } else {
          lines.append(indent + word.prefix(room))
        }
        word = word.dropFirst(room)
      }
      if word.isEmpty { continue }
      let last = lines.count - 1
      if lines[last].count == indent.count {
        lines[last] += word
      } else if lines[last].count + 1 + word.count <= width {
        lines[last] += " " + word
      } else {
        lines.append(indent + word)
      }
    }
    return lines
  }
}
