import Addresses

/// Finds every act of the ground truth in the records: a store that touches its bytes, or a hypercall from its address, between
/// its mark and the next mark.
struct GroundTruthCheck {
  private struct Act {
    var truth: RecordingDescription.GroundTruth
    var markID: UInt64?
    var isDone = false
  }

  private var acts: [Act]
  private let names: Set<String>
  /// The acts behind the mark at hand that are not found yet.
  private var awaited: [Int] = []
  private var flaws: [String] = []

  init(_ recording: RecordingDescription) {
    let ids = Dictionary(recording.marks.map { ($0.name, $0.id) }, uniquingKeysWith: { first, _ in first })
    acts = recording.groundTruth.map { Act(truth: $0, markID: ids[$0.mark]) }
    names = Set(recording.regions.map(\.name)).union(["none", "refused"])
    for act in acts {
      if act.markID == nil { flaws.append("\(Self.name(act.truth)) without its mark, expected the mark in the header") }
      if !names.contains(act.truth.expected) {
        flaws.append("\(Self.name(act.truth)) expects region \(act.truth.expected), expected one of the header's")
      } else if act.truth.kind != .hypercall, act.truth.expected != "none",
        !recording.regions.contains(where: {
          $0.name == act.truth.expected && act.truth.gpa < $0.gpa &+ $0.bytes
            && $0.gpa < act.truth.gpa &+ act.truth.bytes
        })
      {
        flaws.append("\(Self.name(act.truth)) lies outside region \(act.truth.expected), expected a byte in it")
      }
    }
  }

  /// Whether a store to this page could be an act.
  func isAwaiting(page: UInt64) -> Bool {
    awaited.contains {
      let truth = acts[$0].truth
      return truth.kind != .hypercall && truth.gpa >> 12 <= page && page <= (truth.gpa &+ truth.bytes &- 1) >> 12
    }
  }

  mutating func store(_ gpa: UInt64, _ size: Int) {
    for index in awaited {
      let truth = acts[index].truth
      if truth.kind != .hypercall, gpa < truth.gpa &+ truth.bytes, truth.gpa < gpa &+ UInt64(size) {
        acts[index].isDone = true
      }
    }
    awaited.removeAll { acts[$0].isDone }
  }

  /// Whether this hypercall is an act, and so need not be a legal one.
  mutating func hypercall(_ call: RecordedEvent.Hypercall) -> Bool {
    guard
      let index = awaited.first(where: {
        acts[$0].truth.kind == .hypercall && acts[$0].truth.gpa == call.ripAddress.rawValue
      })
    else { return false }
    acts[index].isDone = true
    awaited.removeAll { $0 == index }
    return true
  }

  /// A mark ends what is behind the mark before; what was not found there.
  mutating func mark(_ id: UInt64) -> [String] {
    let missing = close()
    awaited = acts.indices.filter { acts[$0].markID == id && !acts[$0].isDone }
    return missing
  }

  /// What was never found, and what is wrong with the ground truth itself.
  mutating func finish() -> [String] {
    let missing = close()
    let unmarked = acts.filter { $0.markID != nil && !$0.isDone }.map {
      "\(Self.name($0.truth)) whose mark never comes, expected it in the records"
    }
    return flaws + missing + unmarked
  }

  private mutating func close() -> [String] {
    defer { awaited = [] }
    return awaited.map { index in
      acts[index].isDone = true
      let truth = acts[index].truth
      let what = truth.kind == .hypercall ? "a hypercall from" : "a store to"
      return "\(Self.name(truth)) is not behind its mark, expected \(what) \(hex(truth.gpa))"
    }
  }

  private static func name(_ truth: RecordingDescription.GroundTruth) -> String { "\(truth.attack) \(truth.act)" }
}
