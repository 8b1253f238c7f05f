import Replay
import Recordings

extension ReplayedRecording {
  /// What its times count; what follows from that is among the cautions.
  var unit: String { (log?.time ?? .instructions).rawValue }
}
