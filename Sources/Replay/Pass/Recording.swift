import Foundation
import GuestIntegrity
import Recordings

/// A trace that can be replayed: opened, checked, and known to be of one memory.
struct Recording {
  let reader: RecordingReader
  let path: String
  let ramBytes: UInt64

  /// Opens a recording; its symbols are read only where somebody asks for places by them.
  init(path: String, symbols: Bool = true) throws {
    reader = try RecordingReader(path: path, symbols: symbols)
    self.path = path
    let header = reader.header
    // Numbered frames are as many as are touched, whatever memory there was.
    let recorded = header.recording.addresses == .virtual ? 0 : min(header.recording.guest.ramBytes ?? 0, 1 << 52)
    ramBytes = (max(recorded, header.totals.pageLimit << 12) + 0x1f_ffff) & ~0x1f_ffff
    guard ramBytes > 0, ramBytes >> 12 <= TranslationKey.pageLimit, ramBytes <= 1 << 40 else {
      throw ReplayError("\(path): \(ramBytes) bytes of guest memory, expected 1 byte to 1 TiB")
    }
  }

  /// The columns of loads and fetches that the recording has.
  var accessColumns: RecordingColumns { reader.header.columnSet.intersection(.ofVersion2) }

  /// Refuses a recording that does not hold what the dimensions ask for.
  func check(for dimensions: Dimensions) throws {
    guard dimensions == .two else { return }
    let header = reader.header
    var lacking: [String] = []
    if !header.columnSet.contains(.linearPages) { lacking.append("linear pages") }
    if header.totals.cr3Loads == 0 { lacking.append("CR3 loads") }
    if header.totals.maps == 0 { lacking.append("mappings") }
    guard lacking.isEmpty else {
      throw ReplayError(
        "\(path): it holds no \(lacking.joined(separator: " and no ")), expected linear pages, CR3 loads and mappings for a "
          + "replay in two dimensions; replay it with --dimensions 1, or record it with them")
    }
  }

  /// What one strategy's replay counted.
  struct Outcome {
    var counts: EventCounts
    /// Of them, those of the driver's own refused stores into its tree.
    var ownStores: EventCounts
    /// Of them, those of setting up.
    var setUp: EventCounts
    /// Instructions that the guest retired since protection began, all vCPUs.
    var armedInstructions: UInt64
    /// Abnormal ends of integrity mode.
    var integrityFaults: UInt64
    var tally: NotificationTally
    /// Switches between table sets, or of the write bits.
    var switches: UInt64
    /// Host time of notifications where they happened; nil where no clock was read.
    var inPlace: InPlaceTimes?
    /// Host figures; nil where no clock was read.
    var host: HostFigures?
    /// What host ratios can be taken of, if anything.
    var hostRatioTask: HostRatioTask?
    /// When notifications were raised and delivered; nil of the guest unmonitored.
    var times: LatencyFigures?
    /// The same in more points; nil where nobody draws them.
    var curves: LatencyCurves?
    /// Stores that it owes and did not notify, or the other way round; nil where nobody asks for names.
    var differing: DifferingStores?
  }

  /// Replays the recording under every strategy; `nil` stands for the guest unmonitored.
  func replay(
    _ strategies: [Strategy?], under protection: Protection, request: ReplayRequest, pictures: PictureCollector? = nil
  ) throws -> [Outcome] {
    try ReplayPass(over: self, strategies, under: protection, request: request, pictures: pictures).run()
  }

  /// What is protected by a policy, or else by the recorded driver, from the named mark on, or else from the start.
  func protection(by policy: Policy?, armedBy arm: String?) throws -> Protection {
    try Protection(
      by: policy, armedBy: arm, in: reader, path: path, ramBytes: ramBytes, truePages: try truePages())
  }

  /// The recording as a result describes it.
  var description: ReplayedRecording {
    let header = reader.header
    let cautions = header.recording.cautions
    return ReplayedRecording(
      path: path, digest: reader.digest.map { "\($0)" } ?? "", writes: header.totals.writes, runs: header.totals.runs,
      pages: header.totals.pages, vcpus: header.totals.vcpus, instructions: header.ownInstructions.reduce(0, +),
      hypercalls: header.totals.hypercalls, marks: header.totals.marks,
      guest: header.recording.guest.kernelPackage ?? header.recording.title,
      addresses: header.recording.addresses == .guestPhysical
        ? nil : header.recording.log?.truePages?.rawValue ?? "linear",
      log: header.recording.log, cautions: cautions.isEmpty ? nil : cautions,
      workload: header.recording.workloadName, replicate: header.recording.replicate,
      cutOf: header.recording.part?.digest,
      accesses: header.totals.loads == nil && header.totals.fetches == nil
        ? nil
        : (header.totals.loads == nil ? [] : ["loads"]) + (header.totals.fetches == nil ? [] : ["fetches"]),
      accessesFrom: header.recording.accessesFrom, instructionsPerSecond: header.recording.instructionsPerSecond)
  }
}
