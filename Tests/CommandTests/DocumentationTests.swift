import Foundation
import Testing

/// The pages agree with what they are about: files, programs, the package.
@Suite("The documentation")
struct DocumentationTests {
  private static func text(_ path: String) throws -> String {
    try String(contentsOf: DocumentPage.root.appending(path: path), encoding: .utf8)
  }

  @Test("links to files that exist")
  func links() throws {
    #expect(DocumentPage.all.count > 40)
    for path in DocumentPage.all {
      let folder = DocumentPage.root.appending(path: path).deletingLastPathComponent()
      for link in try DocumentPage(path).links {
        #expect(FileManager.default.fileExists(atPath: folder.appending(path: link).path), "\(path): \(link)")
      }
    }
  }

  @Test(
    "shows the tutorials' programs whole, block by block",
    arguments: [
      ("AddAStrategy", "own-strategy"), ("AddAProfile", "own-profile"), ("AddARecordingFormat", "own-recording"),
      ("AddAReport", "own-report"),
    ])
  func programs(page: String, program: String) throws {
    let blocks = try DocumentPage("Documentation/Course.docc/\(page).md").blocks("swift")
    let shown = blocks.map { $0.joined(separator: "\n") }.joined(separator: "\n\n") + "\n"
    #expect(try shown == Self.text("Examples/\(program)/Sources/main.swift"), "\(page): paste the program anew")
  }

  @Test("says of every room what the package says it depends on")
  func rooms() throws {
    var shown: [String: Set<String>] = [:]
    for row in try Self.text("Documentation/Course.docc/Rooms.md").matches(
      of: /(?m)^\| \[([A-Za-z]+)\]\([^)]*\) \|[^|]*\| ([A-Za-z, ]*)\|$/)
    {
      shown[String(row.1)] = Set(row.2.split(separator: /[, ]+/).map(String.init))
    }
    let package = try Self.text("Package.swift")
    let targets = try #require(package.firstRange(of: "targets: ["))
    var stated: [String: Set<String>] = [:]
    // A target's arguments up to its settings; a product of another package counts by its name.
    for target in package[targets.upperBound...].matches(
      of: /\.target\(\s*name: "([A-Za-z]+)"(?:,\s*dependencies: \[((?:[^\[\]]|\[[^\]]*\])*)\])?/)
    {
      let list = target.2 ?? ""
      let products = list.matches(of: /name: "([A-Za-z]+)"/).map { String($0.1) }
      let plain = list.replacing(/\.product\([^)]*\)/, with: "").matches(of: /"([A-Za-z]+)"/).map { String($0.1) }
      stated[String(target.1)] = Set(products + plain)
    }
    #expect(stated.count >= 15 && stated["Execution"] == ["Addresses", "EPT", "GuestIntegrity"])
    #expect(shown == stated)
  }

  @Test("has a first page for every room")
  func landings() throws {
    let rooms = try FileManager.default.contentsOfDirectory(atPath: DocumentPage.root.appending(path: "Sources").path)
    for room in rooms.filter({ !["CXXHash", "CZstd", "CZlib"].contains($0) && !$0.hasPrefix(".") }) {
      #expect(DocumentPage.all.contains("Sources/\(room)/\(room).docc/\(room).md"), "\(room)")
    }
  }

  @Test("names folders of a room that are there")
  func folders() throws {
    for path in DocumentPage.all.filter({ $0.hasPrefix("Sources/") }) {
      let room = path.split(separator: "/")[1]
      let table = try DocumentPage(path).text.split(separator: "| folder | what |")
      guard path.hasSuffix("/\(room).md"), table.count == 2 else { continue }
      let rows = table[1].split(separator: "\n").prefix { $0.hasPrefix("|") }
      let shown = rows.flatMap { row in
        row.split(separator: "|")[0].matches(of: /`([A-Za-z]+)`/).map { String($0.1) }
      }
      let there = try FileManager.default.contentsOfDirectory(
        at: DocumentPage.root.appending(path: "Sources/\(room)"), includingPropertiesForKeys: [.isDirectoryKey]
      ).filter { $0.hasDirectoryPath && !$0.path.hasSuffix(".docc") }.map(\.lastPathComponent)
      #expect(!shown.isEmpty && shown.allSatisfy(there.contains), "\(path): \(shown.filter { !there.contains($0) })")
    }
  }

  @Test(
    "breaks no example of a help at 80 columns, and names recordings and policies that are there",
    arguments: [
      "", "run", "compare", "check", "sweep", "merge", "strategy", "attack", "walk", "explain", "trace convert",
      "profile",
      "profile measure", "profile convert",
    ])
  func examples(command: String) throws {
    let help = try Program.run(
      ["help"] + command.split(separator: " ").map(String.init), environment: ["COLUMNS": "80"]
    ).output.split(separator: "\n", omittingEmptySubsequences: false)
    let start = try #require(help.firstIndex(of: "EXAMPLES:"))
    let examples = help[(start + 1)...].prefix { !$0.isEmpty }
    #expect(!examples.isEmpty)
    for example in examples {
      #expect(example.hasPrefix("  gi-bench ") || example.hasPrefix("  printf "), "\(example)")
      for path in example.matches(of: /(?:traces|Benchmarks)\/[A-Za-z\/.-]+/).map({ String($0.0) }) {
        #expect(FileManager.default.fileExists(atPath: DocumentPage.root.appending(path: path).path), "\(path)")
      }
    }
  }
}
