import Recordings

extension RecordingReader {
  /// Says on the standard error how much of a trace that breaks off is there; nothing of a whole one.
  func tellSalvaged(of name: String) {
    guard isSalvaged else { return }
    let writes = blocks.last.map { $0.firstWrite + UInt64($0.writes) } ?? 0
    StandardError.say("\(name): salvaged \(writes) of \(header.totals.writes) writes")
  }
}
