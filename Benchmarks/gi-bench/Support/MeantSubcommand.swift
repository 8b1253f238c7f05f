import ArgumentParser
import Replay

/// Names of subcommands that are no names, found before the parser takes them for arguments of something else.
enum MeantSubcommand {
  /// Why a command line's words lead to no subcommand; nil where they may.
  static func complaint(about arguments: [String]) -> String? {
    if arguments.first == "help" { return complaint(below: GIBench.self, arguments.dropFirst(), said: ["help"]) }
    // At the top a word may be a trace, which `run` tells from a subcommand that is misspelt.
    guard let first = arguments.first, let group = subcommand(first, of: GIBench.self),
      !group.configuration.subcommands.isEmpty
    else { return nil }
    return complaint(below: group, arguments.dropFirst(), said: [first])
  }

  private static func complaint(
    below command: any ParsableCommand.Type, _ words: ArraySlice<String>, said: [String]
  ) -> String? {
    guard let word = words.first, !word.hasPrefix("-"), !command.configuration.subcommands.isEmpty else { return nil }
    if let next = subcommand(word, of: command) {
      return complaint(below: next, words.dropFirst(), said: said + [word])
    }
    let names = command.configuration.subcommands.filter { $0.configuration.shouldDisplay }.map { $0._commandName }
    let path = said.joined(separator: " ")
    let advice =
      Nearest.to(word, in: names).map { "did you mean `gi-bench \(path) \($0)`?" }
      ?? "there are \(names.joined(separator: ", "))"
    return said == ["help"] ? "no subcommand is named '\(word)'; \(advice)" : "\(path) has no '\(word)'; \(advice)"
  }

  private static func subcommand(
    _ name: String, of command: any ParsableCommand.Type
  ) -> (any ParsableCommand.Type)? {
    command.configuration.subcommands.first { $0._commandName == name }
  }
}
