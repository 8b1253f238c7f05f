import Foundation
import Testing

@Suite("gi-bench run")
struct RunTests {
  @Test("is what a bare trace path means, and compares every strategy")
  func bare() throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    for arguments in [[trace], ["run", trace]] {
      let outcome = try Program.run(arguments)
      #expect(outcome.status == 0 && outcome.error == "")
      #expect(outcome.output.contains("\(trace)\n"))
      for name in ["toggle", "eptp-exit", "vmfunc", "filter", "ve", "pml", "singlestep"] {
        #expect(outcome.output.contains("\n\(name) "))
      }
    }
  }

  @Test("without a clock gives the same bytes every time")
  func countersOnly() throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    let arguments = [trace, "--counters-only", "--format", "json"]
    let first = try Program.run(arguments)
    #expect(first.status == 0 && !first.output.contains("\"host\""))
    #expect(try Program.run(arguments).output == first.output)
    #expect(first.output.contains("\"writes\" : 4000"))
  }

  @Test("gives the same bytes however many recordings are replayed at once")
  func jobs() throws {
    let folder = try Program.Folder()
    let traces = try (1...3).map { number in
      let trace = try SmallTrace.write(to: folder)
      let named = "\(folder.path)/\(number).trace"
      try FileManager.default.moveItem(atPath: trace, toPath: named)
      return named
    }
    let arguments = traces + ["--counters-only", "--format", "json"]
    let one = try Program.run(arguments)
    #expect(one.status == 0)
    for jobs in ["2", "8"] { #expect(try Program.run(arguments + ["--jobs", jobs]).output == one.output) }
    try Program.expectFailure(
      traces + ["--jobs", "0"], status: 64, sentence: "--jobs 0 is not 1 to 1024; give one a core")
    // The first recording that fails is the one that is told of.
    try Data(repeating: 1, count: 5000).write(to: URL(filePath: traces[1]))
    let failed = try Program.run(arguments + ["--jobs", "2"])
    #expect(failed.status == 1 && failed.error.contains("2.trace") && failed.output == "")
  }

  @Test("prices by costs that are given, without a range")
  func costs() throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    let given = ["--cost", "vmcall_round_trip=1411,eptp_change=7", "--cost", "shootdown=9"]
    let outcome = try Program.run([trace, "--counters-only", "--format", "json"] + given)
    #expect(outcome.status == 0 && outcome.output.matches(of: /"given by --cost"/).count == 3)
    for figure in ["1411", "7", "9"] {
      #expect(outcome.output.contains("\"high\" : \(figure),\n        \"low\" : \(figure),"))
    }
    for text in ["vmcall=5", "vmcall_round_trip", "vmcall_round_trip=-1", "vmcall_round_trip=nan", ""] {
      #expect(try Program.run([trace, "--cost=\(text)"]).status == 64)
    }
    try Program.expectFailure(
      [trace, "--cost", "shootdown=1", "--cost", "shootdown=2"], status: 64,
      sentence: "--cost says shootdown twice; say it once")
  }

  @Test("saves what compare reads, writes every export, and says nothing when quiet")
  func saves() throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    let saved = folder.path + "/saved.json"
    let outcome = try Program.run([
      trace, "--quiet", "--save", saved, "--export", "csv=\(folder.path)/a.csv", "--export",
      "html=\(folder.path)/a.html",
      "--export", "markdown=\(folder.path)/a.md",
    ])
    #expect(outcome.status == 0 && outcome.output == "" && outcome.error == "")
    #expect(try folder.names == ["a.csv", "a.html", "a.md", "saved.json", "small.trace"])
    let comparison = try Program.run(["compare", saved, saved])
    #expect(comparison.status == 0 && comparison.output.contains("same"))
  }

  @Test("replays the strategies asked for, each once, under the profile asked for")
  func choice() throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    let outcome = try Program.run([
      trace, "--strategy", "vmfunc", "--strategy", "toggle", "--strategy", "vmfunc", "--profile", "icelake-sp",
      "--format",
      "csv",
    ])
    let rows = outcome.output.split(whereSeparator: \.isNewline)
    #expect(rows.count == 3)
    #expect(rows[1].contains(",icelake-sp,vmfunc,") && rows[2].contains(",icelake-sp,toggle,"))
  }

  @Test("refuses to write over the recording it reads, under any of its names")
  func overwrite() throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    let link = folder.path + "/link"
    symlink(trace, link)
    for output in [trace, link] {
      try Program.expectFailure(
        [trace, "--output", output], status: 64,
        sentence: "\(output) is also read, and would be overwritten; give another file")
    }
  }

  @Test("finds an output that cannot be written before it replays")
  func unwritable() throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    try Program.expectFailure(
      [trace, "--save", folder.path + "/none/a.json"], status: 1,
      sentence: "\(folder.path)/none/a.json: cannot be written, no such file or directory; give another path")
  }
}
