import ArgumentParser
import Foundation
import Replay

/// The command line: one file a subcommand, no logic of its own.
@main
struct GIBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gi-bench",
    abstract: "Compare page-table-switch strategies for guest integrity by replaying recorded writes.",
    usage: """
      gi-bench [run] TRACE... [--strategy NAME]... [--profile NAME|FILE]
                              [--format FORMAT] [--export FORMAT=FILE]...
      gi-bench SUBCOMMAND ...
      """,
    discussion: """
      A trace path alone means `run`: every store of the recording walks the emulated EPT, protected pages are noticed \
      as each strategy notices them, and the counts are priced in modelled cycles.

      EXAMPLES:
        gi-bench traces/boot.trace
        gi-bench traces/boot.trace --profile icelake-sp --export html=boot.html
        gi-bench run traces/boot.trace --quiet --save before.json
        gi-bench compare before.json after.json
        gi-bench check traces/boot.trace --baseline boot.json --update

      \(ExitStatus.help)

      All options of the default: gi-bench help run
      """,
    version: giBenchVersion,
    subcommands: [
      Run.self, Explain.self, Compare.self, Check.self, Sweep.self, Merge.self, StrategyCommand.self,
      AttackCommand.self, Walk.self,
      Trace.self,
      Profile.self, HostSample.self,
      OwnPathsSample.self, SweepCellCommand.self,
    ],
    defaultSubcommand: Run.self)

  static func main() {
    // A limit of file size is then an error of the write, as a full disk is.
    signal(SIGXFSZ, SIG_IGN)
    var arguments = Array(CommandLine.arguments.dropFirst())
    if arguments == ["-V"] { arguments = ["--version"] }
    if let complaint = MeantSubcommand.complaint(about: arguments) { Failure(.usage, complaint).end() }
    var command: any ParsableCommand
    do {
      command = try parseAsRoot(arguments)
    } catch {
      // Help, version and completion scripts come as errors too; they are no failures.
      if exitCode(for: error).isSuccess { answer(error) }
      Failure(.usage, UsageSentence.from(message(for: error))).end()
    }
    do {
      try command.run()
    } catch let code as ExitCode {
      exit(withError: code)
    } catch {
      // `gi-bench profile` alone asks for its own help.
      if exitCode(for: error).isSuccess { answer(error) }
      Failure(from: error).end()
    }
  }

  /// Prints what was asked for and ends the program; the parser's own way takes no notice of a full disk.
  private static func answer(_ request: any Error) -> Never {
    do {
      try OutputFile.writeStandardOutput(fullMessage(for: request) + "\n")
    } catch {
      Failure(from: error).end()
    }
    exit()
  }
}
