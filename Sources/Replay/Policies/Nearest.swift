/// The name a user most likely meant.
package enum Nearest {
  /// The first of `names` that begins so, or the closest to a misspelt one; nil where none is close.
  package static func to(_ misspelt: String, in names: [String]) -> String? {
    let word = Array(misspelt.lowercased().prefix(64))
    if word.count > 2, let begun = names.first(where: { $0.hasPrefix(misspelt.lowercased()) }) { return begun }
    let scored = names.map { ($0, distance(word, Array($0))) }
    guard let best = scored.min(by: { $0.1 < $1.1 }) else { return nil }
    return best.1 <= max(1, min(word.count, best.0.count) / 3) ? best.0 : nil
  }

  /// What to say after a name that nothing has: `did you mean toggle?`, or all names where they are few.
  package static func advice(for misspelt: String, in names: [String]) -> String {
    if let meant = to(misspelt, in: names) { return "did you mean \(meant)?" }
    return names.isEmpty
      ? "there is none"
      : names.count <= 64 ? "there are \(names.joined(separator: ", "))" : "none of the \(names.count) is like it"
  }

  /// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
  static func distance(_ a: [Character], _ b: [Character]) -> Int {
    var rows = [Array(0...b.count)]
    for i in 0..<a.count {
      var row = [i + 1]
      for j in 0..<b.count {
        var least = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { least = min(least, rows[i - 1][j - 1] + 1) }
        row.append(least)
      }
      rows.append(row)
    }
    return rows[a.count][b.count]
  }
}
