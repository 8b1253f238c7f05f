import Replay
import Recordings

extension ReplayedRecording {
  /// What its times count; what follows from that is among the cautions.
  var unit: String { (log?.time ?? .instructions).rawValue }

  /// The kinds of access that filled TLBs and caches.
  var accessSentence: String {
    guard let accesses, !accesses.isEmpty else {
      return "stores only: what loads and fetches fill again after an invalidation is not priced"
    }
    return "stores; \(accesses.joined(separator: " and ")) "
      + (accessesFrom.map { "from mark \($0) on" } ?? "from the start")
  }
}
