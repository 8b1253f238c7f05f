/// Names in recordings, policies and file systems are hostile input: nothing in them may steer a terminal, a browser or an editor.
package enum SafeText {
  /// Whether a character acts where it should only be read: controls, C1 among them, directions of writing, what has no width, and
  /// what no standard knows.
  package static func isActive(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: true
    default: false
    }
  }

  /// JSON with every such character escaped. An encoder escapes those below U+0020 only, and elsewhere than in a string's text
  /// JSON has no others.
  package static func json(_ json: String) -> String {
    guard json.utf8.contains(where: { $0 >= 0x7f }) else { return json }
    var safe = String.UnicodeScalarView()
    for scalar in json.unicodeScalars {
      guard scalar.value >= 0x7f, isActive(scalar) else {
        safe.append(scalar)
        continue
      }
      for unit in UTF16.encode(scalar) ?? .init() {
        let digits = String(unit, radix: 16)
        safe.append(contentsOf: ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).unicodeScalars)
      }
    }
    return String(safe)
  }
}
