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
  /// The acts behind each mark.
  private let actsOfMark: [UInt64: [Int]]
  /// The acts behind the mark at hand, found or not.
  private var awaited: [Int] = []
  /// Those of them that are stores and not found yet, by their bytes.
  private var stores = IntervalIndex([])
  /// Those of them that are hypercalls and not found yet, by their address.
  private var hypercalls: [UInt64: [Int]] = [:]
  private var flaws: [String] = []

  init(_ recording: RecordingDescription) {
    let ids = Dictionary(recording.marks.map { ($0.name, $0.id) }, uniquingKeysWith: { first, _ in first })
    acts = recording.groundTruth.map { Act(truth: $0, markID: ids[$0.mark]) }
    actsOfMark = Dictionary(grouping: acts.indices.filter { [acts] in acts[$0].markID != nil }) { [acts] in
      acts[$0].markID ?? 0
    }
    let regions = Dictionary(grouping: recording.regions, by: \.name).mapValues { regions in
      IntervalIndex(regions.compactMap { region in Self.bytes(region.gpa, region.bytes).map { ($0, 0) } })
    }
    for act in acts {
      let truth = act.truth
      if act.markID == nil { flaws.append("\(Self.name(truth)) without its mark, expected the mark in the header") }
      if let region = regions[truth.expected] {
        let isInside = Self.bytes(truth.gpa, truth.bytes).map { !region.owners(touching: $0, atMost: 1).isEmpty }
        if truth.kind != .hypercall, truth.expected != "none", isInside != true {
          flaws.append("\(Self.name(truth)) lies outside region \(truth.expected), expected a byte in it")
        }
      } else if !["none", "refused"].contains(truth.expected) {
        flaws.append("\(Self.name(truth)) expects region \(truth.expected), expected one of the header's")
      } else if truth.kind != .hypercall, truth.expected == "refused" {
        flaws.append("\(Self.name(truth)) lies outside region \(truth.expected), expected a byte in it")
      }
    }
  }

  /// These bytes as a range; nil for none.
  private static func bytes(_ gpa: UInt64, _ count: UInt64) -> ClosedRange<UInt64>? {
    let (end, isBeyond) = gpa.addingReportingOverflow(count &- 1)
    return count == 0 ? nil : gpa...(isBeyond ? .max : end)
  }

  /// Whether a store to this page could be an act.
  func isAwaiting(page: UInt64) -> Bool {
    !stores.isEmpty && !stores.owners(touching: page << 12...(page << 12 | 0xfff), atMost: 1).isEmpty
  }

  mutating func store(_ gpa: UInt64, _ size: Int) {
    guard let bytes = Self.bytes(gpa, UInt64(size)) else { return }
    for index in stores.takeOwners(touching: bytes) { acts[index].isDone = true }
  }

  /// Whether this hypercall is an act, and so need not be a legal one.
  mutating func hypercall(_ call: RecordedEvent.Hypercall) -> Bool {
    guard let index = hypercalls[call.ripAddress.rawValue]?.popLast() else { return false }
    acts[index].isDone = true
    return true
  }

  /// A mark ends what is behind the mark before; what was not found there.
  mutating func mark(_ id: UInt64) -> [String] {
    let missing = close()
    awaited = actsOfMark[id, default: []].filter { !acts[$0].isDone }
    if awaited.isEmpty { return missing }
    stores = IntervalIndex(
      awaited.filter { acts[$0].truth.kind != .hypercall }.compactMap { index in
        Self.bytes(acts[index].truth.gpa, acts[index].truth.bytes).map { ($0, index) }
      })
    // The last is taken first.
    hypercalls = Dictionary(grouping: awaited.filter { acts[$0].truth.kind == .hypercall }.reversed()) {
      acts[$0].truth.gpa
    }
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
    defer { (awaited, stores, hypercalls) = ([], IntervalIndex([]), [:]) }
    return awaited.filter { !acts[$0].isDone }.map { index in
      acts[index].isDone = true
      let truth = acts[index].truth
      let what = truth.kind == .hypercall ? "a hypercall from" : "a store to"
      return "\(Self.name(truth)) is not behind its mark, expected \(what) \(hex(truth.gpa))"
    }
  }

  private static func name(_ truth: RecordingDescription.GroundTruth) -> String { "\(truth.attack) \(truth.act)" }
}
