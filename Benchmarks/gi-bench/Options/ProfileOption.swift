import ArgumentParser
import Replay

/// The profile that prices the counts.
struct ProfileOption: ParsableArguments {
  @Option(
    name: .customLong("profile"),
    help: ArgumentHelp(
      "Price the counts by this profile: \(ProfileLibrary.names.joined(separator: ", ")), or a file.",
      valueName: "name|file"),
    completion: .list(ProfileLibrary.names))
  var profileName = ProfileLibrary.defaultName

  func validate() throws { try Self.checkName(profileName) }

  /// The profile, read and validated.
  func profile() throws -> CycleProfile { try Self.profile(named: profileName) }

  /// Refuses a name that is neither a profile's nor a file's.
  static func checkName(_ name: String) throws {
    if ProfileLibrary.names.contains(name) || name.contains("/") || name.contains(".") || InputFile.exists(name) {
      return
    }
    throw ValidationError(
      "no profile and no file is named '\(name)'; \(Nearest.advice(for: name, in: ProfileLibrary.names))")
  }

  /// An embedded profile by name, or one from a file.
  static func profile(named name: String) throws -> CycleProfile {
    try ProfileLibrary.profile(named: name) ?? profile(fromFile: name)
  }

  /// A profile from a file.
  static func profile(fromFile path: String) throws -> CycleProfile {
    try CycleProfile(json: InputFile.read(path, atMost: 1 << 20, expecting: "a cycle profile in JSON"), origin: path)
  }
}
