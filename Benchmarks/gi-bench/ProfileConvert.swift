import ArgumentParser
import Replay
import Report

/// `gi-bench profile convert`: a profile of schema 1 in schema 2.
struct ProfileConvert: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert", abstract: "Convert a profile of schema 1, measured ones too, to schema 2.",
    discussion: """
      Schema 1 had processor and hypervisor in one. The new file has both halves, under the old name; every cost keeps \
      its value, range and evidence, and the emulated store is joined with the violation's dispatch. What schema 1 did \
      not have (the clock, alert actions, consumers) is taken from \(ProfileLibrary.defaultName) under \
      \(ProfileLibrary.defaultHypervisorName) and marked as assumed: look through it.

      EXAMPLES:
        gi-bench profile convert old.json new.json

      \(ExitStatus.help)
      """)

  @Argument(help: "The file of schema 1.", completion: .file(extensions: ["json"])) var old: String

  @Argument(help: "The file to write; - is the standard output.", completion: .file(extensions: ["json"]))
  var new: String

  func run() throws {
    try OutputClaims.check([new], inputs: [old])
    let profile = try SchemaOneProfile(json: ProfileOption.json(in: old), origin: old)
    guard let base = try ProfileLibrary.profile(named: ProfileLibrary.defaultName) else {
      throw Failure("profile \(ProfileLibrary.defaultName): not embedded; build gi-bench anew")
    }
    let json = try JSONExporter.encode(profile.converted(completing: base, origin: old))
    if new == OutputOptions.standardOutput {
      try OutputFile.writeStandardOutput(json)
    } else {
      try OutputFile(new).write(json)
    }
  }
}
