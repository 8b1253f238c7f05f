import Foundation

/// A page of the documentation, as a reader sees it: its text, and the blocks that it shows.
struct DocumentPage {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardizedFileURL

  /// Every page that the project has, by its path from the root.
  static let all: [String] = {
    let files = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil, options: .skipsHiddenFiles)
    return (files?.allObjects ?? []).compactMap { ($0 as? URL)?.standardizedFileURL.path }
      .filter { $0.hasSuffix(".md") }
      .map { String($0.dropFirst(root.path.count + 1)) }.sorted()
  }()

  let path: String
  let text: String

  init(_ path: String) throws {
    self.path = path
    text = try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
  }

  /// Fenced blocks of a language: their lines.
  func blocks(_ language: String) -> [[String]] {
    var found: [[String]] = []
    var isInside = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
      if isInside, line == "```" {
        isInside = false
      } else if isInside {
        found[found.count - 1].append(line)
      } else if line == "```" + language {
        isInside = true
        found.append([])
      }
    }
    return found
  }

  /// Links to files, from the page's own folder, without the part of the page that they lead to.
  var links: [String] {
    text.matches(of: /\]\(([^)#`]+)(?:#[^)]*)?\)/).map { String($0.1) }
      .filter { !$0.hasPrefix("https://") && !$0.hasPrefix("http://") && !$0.hasPrefix("doc:") }
  }

  /// Whether lines stand in an output in this order; a line of three dots stands for any lines, and what stands between two is
  /// one piece of the output.
  static func isFound(_ expected: [String], in output: [String]) -> Bool {
    var rest = output[...]
    for piece in expected.split(separator: "...").map(Array.init) {
      guard let start = rest.indices.first(where: { rest[$0...].starts(with: piece) }) else { return false }
      rest = rest[(start + piece.count)...]
    }
    return true
  }
}
