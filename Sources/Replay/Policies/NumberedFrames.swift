import Recordings

extension ResolvedPolicy {
  /// The same regions as they lie in frames. Pages that no store reached have no frame, and need none.
  func placed(on pages: TruePages) -> ResolvedPolicy {
    ResolvedPolicy(
      regions: regions.map { region in
        Region(
          id: region.id, name: region.name, actions: region.actions, isCritical: region.isCritical,
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
