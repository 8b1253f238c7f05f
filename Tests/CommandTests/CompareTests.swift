import Foundation
import Testing

@Suite("gi-bench compare")
struct CompareTests {
  private func altered(_ folder: Program.Folder, _ old: String, _ new: String) throws -> String {
    let text = String(decoding: try Data(contentsOf: URL(filePath: Program.savedResult)), as: UTF8.self)
    #expect(text.contains(old))
    return try folder.file("altered.json", text.replacing(old, with: new))
  }

  @Test("tells like results apart in every format", arguments: ["text", "json", "csv", "markdown", "html"])
  func formats(format: String) throws {
    let outcome = try Program.run(["compare", Program.savedResult, Program.savedResult, "--format", format])
    #expect(outcome.status == 0 && outcome.error == "")
    #expect(outcome.output.contains("eptp-exit") && outcome.output.contains("same"))
  }

  @Test("refuses unlike results with status 3, and compares them when forced")
  func unlike() throws {
    let folder = try Program.Folder()
    let other = try altered(folder, "0123456789abcdef0123456789abcdef", "ff")
    try Program.expectFailure(
      ["compare", Program.savedResult, other], status: 3,
      sentence: "\(Program.savedResult) and \(other) are not comparable: the recordings differ (digest "
        + "0123456789abcdef0123456789abcdef and ff); --force compares them all the same")
    let forced = try Program.run(["compare", Program.savedResult, other, "--force"])
    #expect(forced.status == 0 && forced.output.contains("Forced: the recordings differ"))
  }

  @Test("refuses another schema with status 3 and a damaged file with status 1")
  func damaged() throws {
    let folder = try Program.Folder()
    let schema = try altered(folder, "\"schema\" : 2", "\"schema\" : 1")
    try Program.expectFailure(
      ["compare", Program.savedResult, schema], status: 3,
      sentence:
        "\(schema): schema is 1, expected 2; an earlier gi-bench saved it, with one latency where there are raised, "
        + "delivered and stall now: run it again with this one")
    let cut = try folder.file("cut.json", "{\"schema\": 2")
    try Program.expectFailure(
      ["compare", cut, Program.savedResult], status: 1,
      sentence: "\(cut): the top level cannot be read; expected a result saved by `gi-bench run --save`")
  }

  @Test("writes exports whole, and to nothing that it reads")
  func exports() throws {
    let folder = try Program.Folder()
    let saved = try folder.file(
      "a.json", String(decoding: Data(contentsOf: URL(filePath: Program.savedResult)), as: UTF8.self))
    let outcome = try Program.run([
      "compare", saved, saved, "--quiet", "--export", "csv=\(folder.path)/c.csv", "--export",
      "html=\(folder.path)/c.html",
    ])
    #expect(outcome.status == 0 && outcome.output == "" && outcome.error == "")
    #expect(try folder.names == ["a.json", "c.csv", "c.html"])
    #expect(try folder.text("c.html").hasSuffix("</html>\n"))
    try Program.expectFailure(
      ["compare", saved, saved, "--output", saved], status: 64,
      sentence: "\(saved) is also read, and would be overwritten; give another file")
    try Program.expectFailure(
      ["compare", saved, saved, "--export", "csv=\(folder.path)/x", "--output", "\(folder.path)/x"], status: 64,
      sentence: "two reports go to \(folder.path)/x; give one of them another file")
  }

  @Test("paints only when told, and never with NO_COLOR set")
  func color() throws {
    let arguments = ["compare", Program.savedResult, Program.savedResult]
    #expect(try Program.run(arguments + ["--color", "always"]).output.contains("\u{1B}["))
    #expect(try !Program.run(arguments).output.contains("\u{1B}["))
    #expect(try !Program.run(arguments, environment: ["NO_COLOR": "1"]).output.contains("\u{1B}["))
  }

  @Test("says so when the standard output is full")
  func fullDisk() throws {
    let outcome = try Program.run([
      "compare", Program.savedResult, Program.savedResult, "--output", "/dev/full",
    ])
    #expect(outcome.status == 1)
    #expect(
      outcome.error == "gi-bench: /dev/full: found \"No space left on device\", expected a file that can be written; "
        + "make room on the disk, or keep the reading end open\n")
  }
}
