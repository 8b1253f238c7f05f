import Foundation

/// What a recording was cut out of.
public struct RecordingPart: Codable, Hashable, Sendable {
  /// The mark at which the part begins; nil for the start.
  public var from: String?
  /// The mark before which it ends; nil for the end.
  public var to: String?
  /// The digest of the whole; nil if it was salvaged.
  public var digest: String?
  /// For each vCPU, the instructions it had retired when the part began. Empty where that is not known.
  public var firstClocks: [UInt64]

  enum CodingKeys: String, CodingKey {
    case from, to, digest
    case firstClocks = "first_clocks"
  }

  /// A part by its marks, of a whole by its digest.
  public init(from: String?, to: String?, digest: String?, firstClocks: [UInt64] = []) {
    self.from = from
    self.to = to
    self.digest = digest
    self.firstClocks = firstClocks
  }

  /// The words before the digest in a cut's note, by which a cut without this field is known.
  static let noteMiddle = " out of the trace with digest "

  /// What a note says of a cut; nil for any other note.
  init?(note: String) {
    guard note.hasPrefix("Cut from "), let middle = note.range(of: Self.noteMiddle),
      let separator = note.range(of: " to ", options: .backwards, range: note.startIndex..<middle.lowerBound)
    else { return nil }
    func mark(_ text: Substring) -> String? { text.hasPrefix("mark ") ? String(text.dropFirst(5)) : nil }
    self.init(
      from: mark(note[note.index(note.startIndex, offsetBy: 9)..<separator.lowerBound]),
      to: mark(note[separator.upperBound..<middle.lowerBound]),
      digest: note[middle.upperBound...].split(separator: ";").first.map(String.init))
  }

  /// The note that a cut gets.
  var note: String {
    let range = "\(from.map { "from mark \($0)" } ?? "from the start") to \(to.map { "mark \($0)" } ?? "the end")"
    return "Cut \(range)\(Self.noteMiddle)\(digest ?? "unknown"); events before are kept."
  }
}

extension RecordingDescription {
  /// What the recording was cut out of, by its header or else by its notes; nil for a whole one.
  public var part: RecordingPart? { cut ?? notes.lazy.compactMap { RecordingPart(note: $0) }.last }

  /// The name that recordings of one workload share. An older recording has its title only.
  public var workloadName: String { workload ?? title }
}

extension RecordingHeader {
  /// For each vCPU, the instructions that the recording itself covers: of a cut, without those before it.
  public var ownInstructions: [UInt64] {
    guard let first = recording.part?.firstClocks, first.count == totals.instructions.count else {
      return totals.instructions
    }
    // Opening has seen to it that none is beyond the end.
    return zip(totals.instructions, first).map { $0 - min($0, $1) }
  }
}
