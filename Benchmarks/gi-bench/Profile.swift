import ArgumentParser
import Replay
import Report

/// `gi-bench profile`: what prices the counts.
struct Profile: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List, show, validate and measure cycle profiles.",
    discussion: """
      EXAMPLES:
        gi-bench profile show icelake-sp
        gi-bench profile show --format json > mine.json
        gi-bench profile validate mine.json
        gi-bench profile measure --output measured.json

      \(ExitStatus.help)
      """,
    subcommands: [ProfileList.self, ProfileShow.self, ProfileValidate.self, ProfileMeasure.self])

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
      case .text:
        TextExporter(width: ConsoleOptions.columns).export([profileList(profiles, default: ProfileLibrary.defaultName)])
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
      case .text: TextExporter(width: ConsoleOptions.columns).export([profile.document])
      case .json: try JSONExporter.encode(profile)
      }
    try OutputFile.writeStandardOutput(text)
  }
}

/// `gi-bench profile validate`.
struct ProfileValidate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Check a profile against every rule, or what is modelled against published measurements.",
    discussion: """
      Without a profile, what the model says is held against what was measured and published. A check that emerges from the \
      modelled caches is weighty; one that follows from a cost that was set only says that it was set well.

      \(ExitStatus.help)
      """)

  @Argument(
    help: ArgumentHelp("A profile's file or name; without it, the model.", valueName: "file|name"),
    completion: .file(extensions: ["json"]))
  var name: String?

  @Option(help: "Format of the answer.") var format = Profile.Format.text

  func validate() throws { if let name { try ProfileOption.checkName(name) } }

  func run() throws {
    if let name { try validate(name) } else { try reproduce() }
  }

  private func validate(_ name: String) throws {
    let profile: CycleProfile
    do {
      profile = try ProfileOption.profile(named: name)
    } catch let error as ProfileError {
      throw Failure(.regression, error.description)
    }
    let assumed = profile.parameters.count { $0.tag == .assumed }
    let text =
      switch format {
      case .text:
        "\(Terminal.printable(name)): valid, profile \(Terminal.printable(profile.name)), "
          + "\(profile.parameters.count) costs, \(assumed) of them assumed\n"
      case .json: try JSONExporter.encode(profile)
      }
    try OutputFile.writeStandardOutput(text)
  }

  private func reproduce() throws {
    let checks = try PublishedCheck.all()
    let text =
      switch format {
      case .text: TextExporter(width: ConsoleOptions.columns).export([publishedChecks(checks)])
      case .json: try JSONExporter.encode(checks)
      }
    try OutputFile.writeStandardOutput(text)
    let missed = checks.count { $0.verdict == .missed }
    if missed > 0 {
      throw Failure(
        .regression,
        "\(missed) of \(checks.count) published measurements lie outside the modelled brackets; see the table"
      )
    }
  }
}
