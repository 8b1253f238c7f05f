import Foundation
import Testing

@Suite("What a command writes")
struct OverwritingTests {
  @Test("is never what it reads")
  func inputs() throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    let profile = try folder.file("p.json", try Program.run(["profile", "show", "--format", "json"]).output)
    let before = try Data(contentsOf: URL(filePath: trace))
    for arguments in [
      ["run", trace, "--profile", profile, "--save", profile],
      ["trace", "convert", trace, "-o", trace],
      ["trace", "convert", trace, "--to", "csv", "-o", folder.path + "/x", "--save-description", folder.path + "/x"],
      ["trace", "cut", trace, "--from-mark", "m", "-o", trace],
    ] {
      let outcome = try Program.run(arguments)
      #expect(outcome.status == 64 && outcome.error.contains("would be overwritten"), "\(arguments): \(outcome.error)")
    }
    #expect(try Data(contentsOf: URL(filePath: trace)) == before)
    #expect(try folder.names == ["p.json", "small.trace"])
  }

  @Test("goes where a link leads, and leaves the link")
  func link() throws {
    let folder = try Program.Folder()
    let target = try folder.file("target")
    let link = folder.path + "/link.trace"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
    #expect(try Program.run(["trace", "generate", "--workload", "scan", "--writes", "100", "-o", link]).status == 0)
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == target)
    #expect(try Program.run(["trace", "info", target]).output.contains("100"))
    #expect(try folder.names == ["link.trace", "target"])
  }

  @Test("is nothing of a stream without end that is no trace")
  func endless() throws {
    let outcome = try Program.run(["run", "/dev/zero"])
    #expect(outcome.status == 1 && outcome.error.contains("expected the magic of a trace"))
  }

  @Test("fails where the standard output is full", arguments: ["info", "stats", "check", "view"])
  func full(command: String) throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    let process = Process()
    process.executableURL = URL(filePath: Program.path)
    process.arguments = ["trace", command, trace]
    process.standardOutput = try FileHandle(forWritingTo: URL(filePath: "/dev/full"))
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 1)
  }
}
