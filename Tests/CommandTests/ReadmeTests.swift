import Foundation
import Testing

/// What the README shows is what the program prints, and what it tells readers to run exists.
@Suite("The README")
struct ReadmeTests {
  private let page: DocumentPage

  init() throws { page = try DocumentPage("README.md") }

  @Test(
    "and the pages show outputs that their commands have, at 80 columns",
    arguments: ["README.md", "Sources/EPT/EPT.docc/DrawnWalk.md"])
  func outputs(path: String) throws {
    let shown = try DocumentPage(path).blocks("console")
    #expect(!shown.isEmpty)
    for block in shown {
      let command = try #require(block.first?.trimmingPrefix("$ gi-bench "))
      let outcome = try Program.run(
        command.split(separator: " ").flatMap { Self.expanded(String($0)) }, environment: ["COLUMNS": "80"],
        folder: DocumentPage.root.path)
      #expect(outcome.status == 0 && outcome.error == "", "\(command)")
      let output = outcome.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      #expect(
        DocumentPage.isFound(Array(block.dropFirst()), in: output), "\(command): the output is another by now")
      // A page explains its own output; whoever reads the README has a terminal of 80 columns.
      #expect(path != "README.md" || block.dropFirst().allSatisfy { $0.count <= 80 })
    }
  }

  /// A word as a shell hands it over: the files of its folder that end alike, where it has a star in place of their names.
  private static func expanded(_ word: String) -> [String] {
    guard word.contains("*") else { return [word] }
    let pattern = URL(filePath: word, relativeTo: DocumentPage.root)
    let (folder, ending) = (pattern.deletingLastPathComponent(), pattern.lastPathComponent.dropFirst())
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    let prefix = word.prefix { $0 != "*" }
    return names.filter { $0.hasSuffix(ending) }.sorted().map { prefix + $0 }
  }

  @Test("names commands, options and targets that exist")
  func names() throws {
    let help = try Program.run(["--help"]).output
    for command in page.text.matches(of: /`gi-bench \[?([a-z]+)/).map({ String($0.1) })
    where !["run", "help"].contains(command) {
      #expect(help.contains("\n  \(command) "), "\(command)")
    }
    let targets = Set(page.text.matches(of: /(?m)(?:^|`)make ([a-z-]+)/).map { String($0.1) })
    #expect(targets.isSuperset(of: ["run", "test", "help"]))
    let makefile = try String(contentsOf: DocumentPage.root.appending(path: "Makefile"), encoding: .utf8)
    for target in targets { #expect(makefile.contains("\n\(target):"), "make \(target)") }
    let everywhere = try ["run", "check", "trace", "compare"].map { try Program.run(["help", $0]).output }.joined()
    for option in page.text.matches(of: /`(--[a-z-]+)/).map({ String($0.1) }) where option != "--script" {
      #expect((help + everywhere).contains(option), "\(option)")
    }
  }
}
