import Addresses
import Recordings

/// What a log of another tool is asked before it can be replayed: nothing in it says what to protect.
public struct ProtectionQuestion: Error, CustomStringConvertible {
  /// The question, with a policy that would answer it.
  public let description: String
}

extension Recording {
  /// Throws the question where neither the log nor a policy says what to protect: a table of zeros is no answer.
  func demandProtection(by policy: Policy?) throws {
    let recording = reader.header.recording
    guard policy == nil, recording.origin == .imported || recording.addresses == .virtual,
      reader.header.totals.hypercalls == 0
    else { return }
    let statistics = try RecordingStatistics(reader, slices: 1, hottest: 3)
    let key = recording.isLinear ? "linear" : "gpa"
    let regions = statistics.hottest.map { page in
      let start = hex(page.page << 12)
      return "{\"name\": \"\(start)\", \"\(key)\": \"\(start)\", \"bytes\": 4096}"
    }
    throw ProtectionQuestion(
      description:
        "\(path): what is to be protected? The log has no driver that asks; say it with --policy FILE, for instance "
        + "its hottest pages: {\"schema\": 1, \"name\": \"hottest\", \"regions\": [\(regions.joined(separator: ", "))]}"
    )
  }
}
