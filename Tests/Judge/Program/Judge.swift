import ArgumentParser
import Foundation

/// What `make judge` runs: writes scripts, and compares the answers of two judges.
@main
struct Judge: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Scripts of the walk protocol for two judges, and the comparison of their answers.",
    subcommands: [Generate.self, Render.self, Compare.self])
}

/// `judge generate`: one round of scenarios, or one scenario.
struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Write a round of scenarios, or those asked for.")

  @Option(help: "What the random numbers of the round start from.") var seed: UInt64 = 1
  @Option(help: "Which round it is: rounds take turns with processors.") var round = 0
  @Option(
    help: "Only this scenario, as KIND:SEED or KIND:SEED@PROCESSOR; more than one, of one processor, with commas.")
  var only: String?
  @Flag(help: "Write the name of the processor that the script is for, and nothing else.") var processor = false

  func run() throws {
    var scenarios = ScenarioKind.round(seed: seed, on: .ofRound(round))
    if let only {
      scenarios = try only.split(separator: ",").map { name in
        guard let scenario = Scenario(named: name) else {
          let kinds = ScenarioKind.allCases.map(\.rawValue).joined(separator: ", ")
          throw ValidationError(
            "'\(name)' names no scenario; expected KIND:SEED[@PROCESSOR], where KIND is one of \(kinds)")
        }
        return scenario
      }
    }
    guard let first = scenarios.first, scenarios.allSatisfy({ $0.processor == first.processor }) else {
      throw ValidationError("scenarios of one run must be for one processor")
    }
    if processor { return print(first.processor.rawValue) }
    var script = ""
    for scenario in scenarios {
      script += "# scenario \(scenario.name)\n" + scenario.lines.joined(separator: "\n") + "\n"
    }
    FileHandle.standardOutput.write(Data(script.utf8))
  }
}

/// `judge render`: a script in the words that gi-bench knows.
struct Render: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Write a script as gi-bench takes it.")

  @Argument(help: "The script.") var script: String

  func run() throws {
    // What caches may answer is found out by the comparison, course by course.
    let lines = try text(script).split(separator: "\n").flatMap(Halves.lines).map {
      $0.hasPrefix("policy ") ? $0.replacing("cache=maximal", with: "cache=none")[...] : $0
    }
    FileHandle.standardOutput.write(Data((lines.joined(separator: "\n") + "\n").utf8))
  }
}

/// The whole of a file.
private func text(_ path: String) throws -> String {
  guard let data = FileManager.default.contents(atPath: path) else { throw ValidationError("\(path): cannot be read") }
  return String(decoding: data, as: UTF8.self)
}

/// `judge compare`: holds the answers to one or more scripts against each other.
struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare the answers in ROUND.ours and ROUND.theirs to the script in ROUND.script, for each ROUND.")

  @Argument(help: "Paths without their ends.") var rounds: [String]
  @Option(help: "How many differences to show in full.") var show = 3

  func run() throws {
    var comparison = Comparison()
    for round in rounds {
      let script = try text(round + ".script")
      guard let capabilities = script.split(separator: "\n").first(where: { $0.hasPrefix("cap ") }) else {
        throw ValidationError("\(round).script: has no capabilities")
      }
      let theirs = try text(round + ".theirs").split(separator: "\n", omittingEmptySubsequences: false)
      try comparison.compare(
        script: script, ours: try text(round + ".ours").split(separator: "\n"),
        theirs: try Self.answers(theirs, capabilities))
    }
    report(comparison)
    if !comparison.others.isEmpty { throw ExitCode(1) }
  }

  /// The image's answers, between the line that reports what its processor can do and the one that says that it came to the end.
  private static func answers(_ lines: [Substring], _ capabilities: Substring) throws -> [Substring] {
    guard let begin = lines.firstIndex(where: { $0.hasPrefix("# cap ") }),
      let end = lines.firstIndex(where: { $0.hasPrefix("# end ") }), begin < end
    else {
      let last = lines.suffix(4).joined(separator: "\n  ")
      throw ValidationError("the image did not come to its end; the last that Bochs said:\n  \(last)")
    }
    guard lines[begin].dropFirst(2).hasPrefix(capabilities) else {
      throw ValidationError("the processor is another: \(lines[begin]); expected \(capabilities)")
    }
    return Array(lines[(begin + 1)..<end])
  }

  private func report(_ comparison: Comparison) {
    for other in comparison.others.prefix(show) { print(other + "\n") }
    let kinds = comparison.queries.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    print("queries: " + kinds.joined(separator: ", "))
    print(
      "same answers: "
        + comparison.answers.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
    let courses = comparison.courses
    print(
      "sequences: \(courses[.only] ?? 0) met nothing stale, \(courses[.fresh] ?? 0) as without caches,"
        + " \(courses[.maximal] ?? 0) as with all that may be cached, \(courses[.mixed] ?? 0) in between")
    for deviation in Deviation.allCases { print("masked: \(comparison.masked[deviation] ?? 0) \(deviation.rawValue)") }
    print("skipped: \(comparison.skipped) after a masked difference that left memory different")
    print(
      "\(comparison.queryCount) queries, \(comparison.maskedCount) masked by name, \(comparison.others.count) others")
  }
}
