import Foundation
import Testing

@Suite("A path that holds no trace")
struct TraceFileTests {
  @Test("is refused with one sentence and status 1, before anything is written", arguments: ["run", "check"])
  func refused(command: String) throws {
    let folder = try Program.Folder()
    let baseline = command == "check" ? ["--baseline", Program.savedResult] : []
    let missing = folder.path + "/none.trace"
    try Program.expectFailure(
      [command, missing] + baseline, status: 1,
      sentence: "\(missing): no such file or directory, expected a gi-bench trace; check the path")
    try Program.expectFailure(
      [command, folder.path] + baseline, status: 1,
      sentence: "\(folder.path): a directory, expected a gi-bench trace; give the path of a file")
    let empty = try folder.file("empty.trace")
    try Program.expectFailure(
      [command, empty, "--export", "json=\(folder.path)/out.json"] + baseline, status: 1,
      sentence: "\(empty): empty, expected a gi-bench trace; record or convert one with `gi-bench trace`")
    #expect(try folder.names == ["empty.trace"])
  }

  @Test("and is no trace at all is refused likewise")
  func garbage() throws {
    let folder = try Program.Folder()
    let garbage = try folder.file("garbage.trace", String(repeating: "no trace ", count: 1000))
    let outcome = try Program.run([garbage])
    #expect(outcome.status == 1 && outcome.output == "")
    #expect(outcome.error.hasPrefix("gi-bench: \(garbage)") && outcome.error.split(separator: "\n").count == 1)
  }

  @Test("behind a good one is found before the first is replayed")
  func second() throws {
    let folder = try Program.Folder()
    let first = try folder.file("first.trace", "x")
    try Program.expectFailure(
      [first, folder.path + "/none.trace"], status: 1,
      sentence: "\(folder.path)/none.trace: no such file or directory, expected a gi-bench trace; check the path")
  }
}
