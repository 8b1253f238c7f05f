import Addresses
import Recordings

/// A recording whose page numbers are frames, given in the order of first touch: policies and reports speak of the true pages.
extension Recording {
  /// Which frame is which page; nil where pages are what they are. Throws where nobody can tell.
  func truePages() throws -> TruePages? {
    guard reader.header.recording.addresses == .virtual else { return nil }
    guard let pages = try TruePages(reader) else {
      throw ReplayError(
        "\(path): its pages are frames numbered by first touch, and it holds no linear-pages that say which, so no policy can "
          + "name one; import it again without --columns")
    }
    return pages
  }
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
