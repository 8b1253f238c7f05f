import ArgumentParser
import Replay
import Report

/// `gi-bench profile`: what prices the counts.
struct Profile: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List, show and validate cycle profiles.",
    discussion: """
      EXAMPLES:
        gi-bench profile show icelake-sp
        gi-bench profile show --format json > mine.json
        gi-bench profile validate mine.json

      \(ExitStatus.help)
      """,
    subcommands: [ProfileList.self, ProfileShow.self, ProfileValidate.self])

  enum Format: String, CaseIterable, ExpressibleByArgument {
    case text, json
  }
}

/// `gi-bench profile list`.
struct ProfileList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the embedded profiles, with how well founded their costs are.")

  @Option(help: "Format of the answer.") var format = Profile.Format.text

  func run() throws {
    let profiles = try ProfileLibrary.names.compactMap(ProfileLibrary.profile)
    let text =
      switch format {
      case .text: TextExporter().export([profileList(profiles, default: ProfileLibrary.defaultName)])
      case .json: try JSONExporter.encode(profiles)
      }
    try OutputFile.writeStandardOutput(text)
  }
}

/// `gi-bench profile show`.
struct ProfileShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Print a profile: every cost with bracket, evidence and source.",
    discussion: "As JSON it is a file that --profile takes, ready to be edited.")

  @Argument(help: "A profile's name or file.", completion: .list(ProfileLibrary.names))
  var name = ProfileLibrary.defaultName

  @Option(help: "Format of the answer.") var format = Profile.Format.text

  func validate() throws { try ProfileOption.checkName(name) }

  func run() throws {
    let profile = try ProfileOption.profile(named: name)
    let text =
      switch format {
      case .text: TextExporter().export([profile.document])
      case .json: try JSONExporter.encode(profile)
      }
    try OutputFile.writeStandardOutput(text)
  }
}

/// `gi-bench profile validate`.
struct ProfileValidate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate", abstract: "Check a profile file against every rule; exit status 2 where it breaks one.")

  @Argument(help: "The file.", completion: .file(extensions: ["json"])) var file: String

  func run() throws {
    do {
      let profile = try ProfileOption.profile(fromFile: file)
      let assumed = profile.parameters.count { $0.tag == .assumed }
      try OutputFile.writeStandardOutput(
        "\(Terminal.printable(file)): valid, profile \(Terminal.printable(profile.name)), "
          + "\(profile.parameters.count) costs, \(assumed) of them assumed\n")
    } catch let error as ProfileError {
      throw Failure(.regression, error.description)
    }
  }
}
