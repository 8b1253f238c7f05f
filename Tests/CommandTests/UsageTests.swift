import Testing

@Suite("The command line")
struct UsageTests {
  @Test(
    "refuses a wrong command line with one sentence and status 64",
    arguments: [
      ([], "missing expected argument '<trace> ...'; see `gi-bench --help`"),
      (["comapre", "a.json", "b.json"], "there is no trace 'comapre'; did you mean `gi-bench compare`?"),
      (
        ["--json", "compare", "a.json", "b.json"],
        "the subcommand compare must come before its options; write gi-bench compare [options]"
      ),
      (["x.trace", "--strategy", "togle"], "no strategy is named 'togle'; did you mean toggle?"),
      (
        ["x.trace", "--profile", "icelake"],
        "no profile and no file is named 'icelake'; did you mean icelake-sp?"
      ),
      (
        ["x.trace", "--profile", "8086"],
        "no profile and no file is named '8086'; there are haswell-ep, skylake-sp, icelake-sp, sapphire-rapids"
      ),
      (
        ["x.trace", "--format", "yaml"],
        "the value 'yaml' is invalid for '--format <format>'; please provide one of the following: - text - json - csv - markdown - html - github - hgrm"
      ),
      (["x.trace", "--export", "json"], "--export json names no file; write it as --export json=FILE"),
      (["x.trace", "--export", "jso=a"], "--export jso=a: no format is named 'jso'; did you mean json?"),
      (["x.trace", "--formt", "json"], "unknown option '--formt'; did you mean '--format'?"),
      (
        ["x.trace", "--export", "json=-"],
        "two reports go to the standard output; give one of them a file"
      ),
      (["-", "-"], "'-' was given twice, but standard input can be read only once; use a file path for one of them"),
      (["compare", "a.json"], "missing expected argument '<b>'; see `gi-bench --help`"),
      (["check", "x.trace"], "missing expected argument '--baseline <file>'; see `gi-bench --help`"),
      (["profile", "shwo"], "profile has no 'shwo'; did you mean `gi-bench profile show`?"),
    ] as [([String], String)])
  func usage(arguments: [String], sentence: String) throws {
    try Program.expectFailure(arguments, status: 64, sentence: sentence)
  }

  @Test("keeps control characters of its arguments off the terminal")
  func controlCharacters() throws {
    let outcome = try Program.run(["a\u{1B}[31m\nb.trace"])
    #expect(outcome.status == 1)
    #expect(outcome.error.split(separator: "\n").count == 1 && !outcome.error.contains("\u{1B}"))
  }

  @Test(
    "explains itself: usage, exit statuses and examples", arguments: [["--help"], ["help", "run"], ["run", "--help"]])
  func help(arguments: [String]) throws {
    let outcome = try Program.run(arguments)
    #expect(outcome.status == 0 && outcome.error == "")
    for expected in ["gi-bench [run] TRACE...", "EXIT STATUS", "64 usage", "EXAMPLES"] {
      #expect(outcome.output.contains(expected), "\(expected)")
    }
  }

  @Test("names every subcommand and its exit statuses", arguments: ["run", "compare", "check", "profile"])
  func subcommands(name: String) throws {
    #expect(try Program.run(["--help"]).output.contains("\n  \(name)"))
    let help = try Program.run(["help", name])
    #expect(help.status == 0 && help.output.contains("EXIT STATUS"))
  }

  @Test("prints its version")
  func version() throws {
    let outcome = try Program.run(["--version"])
    #expect(outcome.status == 0)
    #expect(outcome.output.wholeMatch(of: /[0-9]+\.[0-9]+\.[0-9]+\n/) != nil)
  }
}
