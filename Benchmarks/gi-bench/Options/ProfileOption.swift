import ArgumentParser
import Foundation
import Replay

/// The profile that prices the counts.
struct ProfileOption: ParsableArguments {
  @Option(
    name: .customLong("profile"),
    help: ArgumentHelp(
      "Price the counts by this processor: \(ProfileLibrary.names.joined(separator: ", ")), or a file.",
      valueName: "name|file"),
    completion: .list(ProfileLibrary.names))
  var profileName = ProfileLibrary.defaultName

  @OptionGroup var hypervisor: HypervisorOption

  @Option(
    name: .customLong("cost"),
    help: ArgumentHelp(
      "Price by this figure instead of the profile's range, as in vmcall_round_trip=1400,eptp_change=0.",
      valueName: "name=cycles"))
  var costs: [FixedCosts] = []

  func validate() throws {
    try Self.checkName(profileName)
    let named = costs.flatMap(\.costs).map(\.name)
    if let twice = named.first(where: { name in named.count { $0 == name } > 1 }) {
      throw ValidationError("--cost says \(twice.rawValue) twice; say it once")
    }
  }

  /// The profile, read and validated, with the costs that were given.
  func profile() throws -> CycleProfile {
    var profile = try Self.profile(named: profileName, under: hypervisor.hypervisorName)
    for cost in costs.flatMap(\.costs) { profile.fix(cost.name, at: cost.cycles, source: "given by --cost") }
    return profile
  }

  /// Whether somebody has settled on a hypervisor: by name, or with a profile that holds one of its own.
  func isHypervisorNamed(in profile: CycleProfile) -> Bool {
    hypervisor.hypervisorName != nil || profile.hypervisor.name != ProfileLibrary.defaultHypervisorName
  }

  /// The files that are read.
  var files: [String] { [profileName, hypervisor.hypervisorName].compactMap(\.self).filter(InputFile.exists) }

  /// Refuses a name that is neither a profile's nor a file's.
  static func checkName(_ name: String) throws {
    try check(name, what: "profile", names: ProfileLibrary.names)
  }

  static func check(_ name: String, what: String, names: [String]) throws {
    if names.contains(name) || name.contains("/") || name.contains(".") || InputFile.exists(name) { return }
    throw ValidationError("no \(what) and no file is named '\(name)'; \(Nearest.advice(for: name, in: names))")
  }

  /// An embedded processor by name, or one from a file; under the hypervisor named, or else the file's own, or else the
  /// default.
  static func profile(named name: String, under hypervisor: String?) throws -> CycleProfile {
    let profile = try ProfileLibrary.profile(named: name) ?? CycleProfile(json: json(in: name), origin: name)
    guard let hypervisor else { return profile }
    return profile.under(try HypervisorOption.hypervisor(named: hypervisor))
  }

  /// What a file holds.
  static func json(in path: String) throws -> Data {
    try InputFile.read(path, atMost: ProfileFile.sizeLimit, expecting: "a cycle profile in JSON")
  }
}

/// The software whose paths are priced.
struct HypervisorOption: ParsableArguments {
  @Option(
    name: .customLong("hypervisor"),
    help: ArgumentHelp(
      "Price the software's paths by this hypervisor: \(ProfileLibrary.hypervisorNames.joined(separator: ", ")), or a file. Default: the profile's own, or else \(ProfileLibrary.defaultHypervisorName).",
      valueName: "name|file"),
    completion: .list(ProfileLibrary.hypervisorNames))
  var hypervisorName: String?

  func validate() throws {
    if let hypervisorName {
      try ProfileOption.check(hypervisorName, what: "hypervisor", names: ProfileLibrary.hypervisorNames)
    }
  }

  /// An embedded hypervisor by name, or one from a file.
  static func hypervisor(named name: String) throws -> HypervisorProfile {
    if let embedded = try ProfileLibrary.hypervisor(named: name) { return embedded }
    guard let hypervisor = try ProfileFile(json: ProfileOption.json(in: name), origin: name).hypervisor else {
      throw Failure("\(name): holds a processor and no hypervisor, expected a hypervisor; give this file to --profile")
    }
    return hypervisor
  }
}
