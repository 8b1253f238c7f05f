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

extension ResolvedPolicy {
  /// The same regions as they lie in frames. Pages that no store reached have no frame, and need none.
  func placed(on pages: TruePages) -> ResolvedPolicy {
    ResolvedPolicy(
      regions: regions.map { region in
        Region(
          id: region.id, name: region.name, actions: region.actions,
          bytes: region.bytes.flatMap(pages.bytes).joined)
      })
  }
}

extension Protection {
  /// The symbols as they lie in the recording's pages.
  func placed(_ symbols: [RecordingDescription.Symbol]) -> [RecordingDescription.Symbol] {
    truePages?.placed(symbols) ?? symbols
  }
}
