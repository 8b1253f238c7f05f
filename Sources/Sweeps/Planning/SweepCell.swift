import Recordings

/// One cell of a study: one recording under one combination of options, replayed by one process that writes one result.
package struct SweepCell: Codable, Equatable, Sendable {
  /// Names the cell by all that its result depends on: a cell that changes gets another one.
  package let id: String
  /// The recording as results name it: a path, or the name of one that is made up.
  package let recording: String
  /// Values of the options that the plan varies.
  package let settings: [String: String]
  /// The strategies to replay.
  package let strategies: [String]
  /// What each file that is read must hold, by its XXH3-128; for a recording that is made up, what it is made from.
  package let inputs: [String: String]

  /// A cell from its parts, for that version of the program.
  package init(
    recording: String, settings: [String: String], strategies: [String], inputs: [String: String], version: String
  ) {
    self.recording = recording
    self.settings = settings
    self.strategies = strategies
    self.inputs = inputs
    let pairs = [settings, inputs].map { $0.sorted { $0.key < $1.key }.map { "\($0.key)\t\($0.value)" } }
    let text = ([version, recording] + pairs[0] + [""] + strategies + [""] + pairs[1]).joined(separator: "\n")
    id = RecordingDigest(of: text.utf8).description
  }

  /// The options of `run` that make the cell.
  package var arguments: [String] {
    settings.sorted { $0.key < $1.key }.flatMap { ["--\($0.key)", $0.value] }
      + strategies.flatMap { ["--strategy", $0] }
  }

  /// The cell in words: `traces/boot.trace, profile skylake-sp`.
  package var title: String {
    ([recording] + settings.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }).joined(separator: ", ")
  }
}
