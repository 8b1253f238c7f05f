import Foundation
import Testing

@Suite("walk: what it is given")
struct WalkInputTests {
  private static let access = ["--gpa", "0x5123", "--eptp", "0x101e"]

  /// A file of these words, little endian.
  private static func image(_ words: [UInt64], in folder: Program.Folder, _ name: String) throws -> String {
    let path = folder.path + "/" + name
    let bytes = words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) } }
    try Data(bytes).write(to: URL(filePath: path))
    return path
  }

  private static func page(_ words: [Int: UInt64]) -> [UInt64] { (0..<512).map { words[$0, default: 0] } }

  @Test("images at 0 and elsewhere are memory, little endian; single words lie over them")
  func images() throws {
    let folder = try Program.Folder()
    let low = Self.page([:]) + Self.page([0: 0x2007]) + Self.page([0: 0x3007])
    let first = try Self.image(low, in: folder, "low.bin")
    let second = try Self.image(Self.page([0: 0x4007]) + Self.page([5: 0x7037]), in: folder, "high.bin")
    let arguments = ["walk"] + Self.access + ["--memory", first, "--memory", second + "@0x3000"]
    let read = try Program.run(arguments)
    #expect(read.status == 0 && read.output.contains("outcome: translated to host-physical 0x7123 "))
    let decimal = try Program.run(["walk"] + Self.access + ["--memory", second + "@12288", "--memory", first])
    #expect(decimal.output == read.output)
    let over = try Program.run(arguments + ["--entry", "0x4028=0x9037"])
    #expect(over.status == 0 && over.output.contains("outcome: translated to host-physical 0x9123 "))
  }

  @Test("a path with an @ that no number follows is a path")
  func path() throws {
    let folder = try Program.Folder()
    let image = try Self.image(Self.page([:]) + Self.page([0: 0x2007]), in: folder, "dump@home")
    let outcome = try Program.run(["walk"] + Self.access + ["--memory", image])
    #expect(outcome.status == 0 && outcome.output.contains("EPT PDPTE at 0x2000 = 0x0"))
  }

  @Test("bad images and words end with status 1 and one sentence with the place")
  func badImages() throws {
    let folder = try Program.Folder()
    let image = try Self.image([1, 2], in: folder, "two.bin")
    let odd = try folder.file("odd.bin", "seven b")
    let empty = try folder.file("empty.bin")
    let large = try folder.file("large.bin", "x")
    #expect(truncate(large, 1 << 34 + 8) == 0)
    for (arguments, start, part) in [
      (["--memory", folder.path + "/none.bin"], folder.path + "/none.bin", "raw memory image"),
      (["--memory", folder.path], folder.path, "directory"),
      (["--memory", empty], empty, "no regular file with content"),
      (["--memory", "/dev/null"], "/dev/null", "no regular file with content"),
      (["--memory", large], large, "16384 MiB"),
      (["--memory", odd], odd, "whole number of 64-bit words"), (["--memory", image + "@4"], image, "multiple of 8"),
      (["--memory", image + "@0x3ffffffffff8"], image, "beyond the 46 bits"),
      (["--memory", image, "--memory", image + "@8"], image, "overlaps"),
      (["--entry", "4=1"], "--entry 0x4", "multiple of 8"),
      (["--entry", "8=1", "--entry", "0x8=2"], "--entry 0x8", "overlaps another --entry"),
      (["--set", "cap maxpa=36", "--entry", "0x1000000000=1"], "--entry 0x1000000000", "beyond the 36 bits"),
    ] as [([String], String, String)] {
      let outcome = try Program.run(["walk"] + Self.access + arguments)
      #expect(outcome.status == 1 && outcome.output == "", "\(arguments)")
      #expect(outcome.error.hasPrefix("gi-bench: \(start): ") && outcome.error.contains(part), "\(outcome.error)")
      #expect(outcome.error.split(separator: "\n").count == 1)
    }
  }

  @Test(
    "wrong usage ends with status 64 and one sentence",
    arguments: [
      [], ["--gpa", "1", "--linear", "1"], ["--gpa", "1", "--script", "x"], ["--gpa", "0xg"], ["--gpa", "-1"],
      ["--gpa", "1", "--access", "sr"], ["--gpa", "1", "--entry", "8"], ["--gpa", "1", "--entry", "8=1=2"],
      ["--gpa", "1", "--entry", "x=1"], ["--gpa", "1", "--format", "html"], ["--gpa", "1", "--set", "cap maxpa=99"],
      ["--gpa", "1", "--set", "frobnicate"], ["--gpa", "1", "--set", "r64 0"], ["--gpa", "1", "--set", "gpa 1 r"],
    ])
  func usage(arguments: [String]) throws {
    let outcome = try Program.run(["walk"] + arguments)
    #expect(outcome.status == 64 && outcome.output == "")
    #expect(
      outcome.error.hasPrefix("gi-bench: ") && outcome.error.split(separator: "\n").count == 1, "\(outcome.error)")
  }

  /// The tables of the protocol's article: a readable page at 5000H that lies at 7000H.
  private static let script = """
    w64 1000 2007
    w64 2000 3007
    w64 3000 4007
    w64 4028 7031
    eptp 101e
    """

  @Test("a script from a file and from the standard input gets one answer a query")
  func script() throws {
    let folder = try Program.Folder()
    // Longer than a piece that is read at once, and without a last line end.
    let many = Self.script + "\n" + String(repeating: "gpa 5123 r\ngpa 5123 w laddr=0x5123\n", count: 4000) + "r64 4028"
    let expected =
      String(repeating: "OK hpa=7123 |W |pml=1ff\nVIOL qual=18a gpa=5123 gla=5123 |W |pml=1ff\n", count: 4000)
      + "7031\n"
    let file = try Program.run(["walk", "--script", try folder.file("script", many)])
    #expect(file.status == 0 && file.error == "" && file.output == expected)
    let piped = try Program.run(["walk", "--script", "-"], text: many)
    #expect(piped.status == 0 && piped.error == "" && piped.output == expected)
    let images = try Program.run(
      ["walk", "--script", "-", "--eptp", "0x101e", "--entry", "0x1000=0x40000087"],
      text: "r64 1000\neptp 101e\ngpa 5 r")
    #expect(images.status == 0 && images.output.hasPrefix("40000087\n"))
  }

  @Test("a script's bad lines are answered with their number; the others are served, and the status is 1")
  func badScript() throws {
    let outcome = try Program.run(
      ["walk", "--script", "-"], text: Self.script + "\nfrobnicate\ngpa 5123 r\n")
    let lines = outcome.output.split(separator: "\n")
    #expect(outcome.status == 1 && outcome.error == "" && lines.count == 2)
    #expect(lines.first?.hasPrefix("ERR line 6: ") == true && lines.last == "OK hpa=7123 |W |pml=1ff")
  }

  @Test("a translation used after its entry changed, without INVEPT, is told on the standard error")
  func stale() throws {
    let change = "policy cache=maximal\ngpa 5123 r\nw64 4028 8031\n"
    let stale = try Program.run(
      ["walk", "--script", "-"], text: Self.script + "\n" + change + "gpa 5123 r\n")
    #expect(stale.status == 0)
    #expect(stale.output == "OK hpa=7123 |W |pml=1ff\nOK hpa=7123 |W |pml=1ff\n")
    #expect(
      stale.error
        == "gi-bench: stale translation: the read of guest-physical 0x5123 gave host-physical 0x7123; the tables say "
        + "host-physical 0x8123; a single-context INVEPT of the hierarchy at 0x1000 was owed\n")
    let fresh = try Program.run(
      ["walk", "--script", "-"], text: Self.script + "\n" + change + "invept 1 101e\ngpa 5123 r\n")
    #expect(fresh.error == "" && fresh.output == "OK hpa=7123 |W |pml=1ff\nOK\nOK hpa=8123 |W |pml=1ff\n")
  }

  @Test(
    "a script that cannot be read ends with status 1 and one sentence",
    arguments: ["/nonexistent/script", "/", NSTemporaryDirectory()])
  func unreadable(path: String) throws {
    let outcome = try Program.run(["walk", "--script", path])
    #expect(outcome.status == 1 && outcome.output == "")
    #expect(outcome.error.hasPrefix("gi-bench: \(path): ") && outcome.error.contains("a script of the walk protocol"))
  }
}
