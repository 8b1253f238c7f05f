import ArgumentParser
import Replay
import Report

/// `gi-bench profile`: what prices the counts.
struct Profile: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List, show, validate, convert and measure cycle profiles.",
    discussion: """
      EXAMPLES:
        gi-bench profile show icelake-sp
        gi-bench profile show --format json > mine.json
        gi-bench profile validate mine.json
        gi-bench profile convert old.json new.json
        gi-bench profile measure --output measured.json

      \(ExitStatus.help)
      """,
    subcommands: [ProfileList.self, ProfileShow.self, ProfileValidate.self, ProfileConvert.self, ProfileMeasure.self])
}

/// `gi-bench profile list`.
struct ProfileList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the embedded profiles, with how well founded their costs are.")

  @Option(help: "Format of the answer.") var format = AnswerFormat.text

  func run() throws {
    let profiles = try ProfileLibrary.names.compactMap(ProfileLibrary.profile)
    let hypervisors = try ProfileLibrary.hypervisors()
    let text =
      switch format {
      case .text:
        TextExporter(width: ConsoleOptions.columns).export([
          profileList(
            profiles, default: ProfileLibrary.defaultName, hypervisors: hypervisors,
            default: ProfileLibrary.defaultHypervisorName)
        ])
      case .json:
        try JSONExporter.encode(
          profiles.map { ProfileFile(processor: $0.processor, hypervisor: nil) }
            + hypervisors.map { ProfileFile(processor: nil, hypervisor: $0) })
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

  @OptionGroup var hypervisor: HypervisorOption

  @Option(help: "Format of the answer.") var format = AnswerFormat.text

  func validate() throws { try ProfileOption.checkName(name) }

  func run() throws {
    let profile = try ProfileOption.profile(named: name, under: hypervisor.hypervisorName)
    let text =
      switch format {
      case .text: TextExporter(width: ConsoleOptions.columns).export([profile.document])
      case .json: try JSONExporter.encode(ProfileFile(profile))
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
      Without a profile, what the model says is compared with what was measured and published: checks that restate an input \
      (identity), that come out of the modelled caches or of several costs together (emergent), and that no cost was set \
      from (held out). A miss that is not known beforehand, with its reason, ends with exit status 2.

      \(ExitStatus.help)
      """)

  @Argument(
    help: ArgumentHelp("A profile's file or name; without it, the model.", valueName: "file|name"),
    completion: .file(extensions: ["json"]))
  var name: String?

  @Option(help: "Format of the answer.") var format = AnswerFormat.text

  func validate() throws {
    guard let name else { return }
    try ProfileOption.check(
      name, what: "profile", names: ProfileLibrary.names + ProfileLibrary.hypervisorNames)
  }

  func run() throws {
    if let name { try validate(name) } else { try reproduce() }
  }

  private func validate(_ name: String) throws {
    let file: ProfileFile
    do {
      file = try embedded(name) ?? ProfileFile(json: ProfileOption.json(in: name), origin: name)
    } catch let error as ProfileError {
      throw Failure(.regression, error.description)
    }
    let parameters = (file.processor?.parameters ?? []) + (file.hypervisor?.parameters ?? [])
    let halves = [file.processor.map { ("processor", $0.name) }, file.hypervisor.map { ("hypervisor", $0.name) }]
      .compactMap(\.self).map { "\($0) \(Terminal.printable($1))" }
    let text =
      switch format {
      case .text:
        "\(Terminal.printable(name)): valid, \(halves.joined(separator: ", ")), \(parameters.count) costs, "
          + "\(parameters.count { $0.tag == .assumed }) of them assumed\n"
      case .json: try JSONExporter.encode(file)
      }
    try OutputFile.writeStandardOutput(text)
  }

  /// An embedded processor or hypervisor by name.
  private func embedded(_ name: String) throws -> ProfileFile? {
    if let profile = try ProfileLibrary.profile(named: name) {
      return ProfileFile(processor: profile.processor, hypervisor: nil)
    }
    return try ProfileLibrary.hypervisor(named: name).map { ProfileFile(processor: nil, hypervisor: $0) }
  }

  private func reproduce() throws {
    let checks = try ActivityLine.during("replaying what was published") { try PublishedCheck.all() }
    let text =
      switch format {
      case .text: TextExporter(width: ConsoleOptions.columns).export([publishedChecks(checks)])
      case .json: try JSONExporter.encode(checks)
      }
    try OutputFile.writeStandardOutput(text)
    let news = checks.filter(\.isNews)
    if let first = news.first {
      throw Failure(
        .regression,
        "\(news.count) of \(checks.count) published measurements are news, the first \(first.profile), \(first.name): "
          + (first.verdict == .missed
            ? "outside the modelled bracket, and no known miss" : "a known miss that is none any more")
          + "; see the table")
    }
  }
}
