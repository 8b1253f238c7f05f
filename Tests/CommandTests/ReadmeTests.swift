import Foundation
import Testing

/// What the README shows is what the program prints, and what it tells readers to run exists.
@Suite("The README")
struct ReadmeTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
    .standardizedFileURL
  private let text: String

  init() throws { text = try String(contentsOf: Self.root.appending(path: "README.md"), encoding: .utf8) }

  /// Fenced blocks of a language: their lines.
  private func blocks(_ language: String) -> [[String]] {
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

  /// Lines as figures of this host and this moment do not change them: the program's own first line names the build.
  private func isFound(_ expected: [String], in output: [String]) -> Bool {
    var rest = output[...]
    // A line of three dots stands for any lines; what stands between two is one piece of the output.
    for piece in expected.split(separator: "...").map(Array.init) {
      guard let start = rest.indices.first(where: { rest[$0...].starts(with: piece) }) else { return false }
      rest = rest[(start + piece.count)...]
    }
    return true
  }

  @Test("shows outputs that its commands have, at 80 columns")
  func outputs() throws {
    let shown = blocks("console")
    #expect(shown.count >= 2)
    for block in shown {
      let command = try #require(block.first?.trimmingPrefix("$ gi-bench "))
      let outcome = try Program.run(
        command.split(separator: " ").map(String.init), environment: ["COLUMNS": "80"], folder: Self.root.path)
      #expect(outcome.status == 0 && outcome.error == "", "\(command)")
      let output = outcome.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      #expect(isFound(Array(block.dropFirst()), in: output), "\(command): the output is another by now")
      #expect(block.dropFirst().allSatisfy { $0.count <= 80 })
    }
  }

  @Test("names commands, options, targets and files that exist")
  func names() throws {
    let help = try Program.run(["--help"]).output
    for command in text.matches(of: /`gi-bench \[?([a-z]+)/).map({ String($0.1) })
    where !["run", "help"].contains(command) {
      #expect(help.contains("\n  \(command) "), "\(command)")
    }
    let targets = Set(text.matches(of: /(?m)(?:^|`)make ([a-z-]+)/).map { String($0.1) })
    #expect(targets.isSuperset(of: ["run", "test", "help"]))
    let makefile = try String(contentsOf: Self.root.appending(path: "Makefile"), encoding: .utf8)
    for target in targets { #expect(makefile.contains("\n\(target):"), "make \(target)") }
    for link in text.matches(of: /\]\(([^)#]+)\)/).map({ String($0.1) }) where !link.hasPrefix("https://") {
      #expect(FileManager.default.fileExists(atPath: Self.root.appending(path: link).path), "\(link)")
    }
    let everywhere = try ["run", "check", "trace", "compare"].map { try Program.run(["help", $0]).output }.joined()
    for option in text.matches(of: /`(--[a-z-]+)/).map({ String($0.1) }) where option != "--script" {
      #expect((help + everywhere).contains(option), "\(option)")
    }
  }
}
