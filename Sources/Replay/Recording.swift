import Foundation
import GuestIntegrity
import WriteTrace

/// A trace that can be replayed: opened, checked, and known to be of one machine's guest-physical memory.
struct Recording {
  let reader: TraceReader
  let path: String
  private let ramBytes: UInt64

  init(path: String) throws {
    reader = try TraceReader(path: path)
    self.path = path
    let header = reader.header
    guard header.recording.addresses == .guestPhysical else {
      throw ReplayError(
        "\(path): its addresses are \(header.recording.addresses.rawValue), expected guest-physical; only a recording of a "
          + "machine can be replayed through an EPT")
    }
    let recorded = header.recording.guest.ramBytes ?? 0
    ramBytes = (max(recorded, header.totals.pageLimit << 12) + 0x1f_ffff) & ~0x1f_ffff
    guard ramBytes > 0, ramBytes >> 12 <= TranslationKey.pageLimit, ramBytes <= 1 << 40 else {
      throw ReplayError("\(path): \(ramBytes) bytes of guest memory, expected 1 byte to 1 TiB")
    }
  }

  /// What one strategy's replay counted; `nil` replays the guest unmonitored.
  struct Outcome {
    var counts: EventCounts
    var tally: NotificationTally
    /// Switches between table sets, or of the write bits.
    var switches: UInt64
    /// Host figures; nil where no clock was read.
    var host: HostFigures?
  }

  func run(_ strategy: Strategy?, request: ReplayRequest, finished: Int) throws -> Outcome {
    let replay = try StrategyReplay(
      switching: strategy?.mechanism.switching ?? .filterByMode, isMonitored: strategy != nil, ramBytes: ramBytes,
      vcpus: reader.header.totals.vcpus, geometry: request.profile.geometry,
      regions: reader.header.recording.regions)
    let clock = request.countersOnly ? nil : ContinuousClock()
    let start = clock?.now
    let buffer = TraceBlock()
    for (number, block) in reader.blocks.enumerated() {
      try reader.read(block: number, into: buffer)
      try replay.replay(buffer, firstWrite: block.firstWrite)
      request.progress?(
        ReplayProgress(
          strategy: strategy?.name ?? "unmonitored", finished: finished, strategies: request.strategies.count + 1,
          writes: block.firstWrite + UInt64(block.writes), totalWrites: reader.header.totals.writes))
    }
    var counts = replay.hypervisor.processors.counts
    counts[.writes] = reader.header.totals.writes
    counts[.runs] = reader.header.totals.runs
    replay.translations.add(to: &counts, accesses: reader.header.totals.accesses)
    let switches =
      switch strategy?.mechanism.switching {
      case .eptpByExit, .eptpByVMFUNC: counts[.eptpWrites] + counts[.vmfuncSwitches]
      case .toggleWriteBits: 2 * replay.hypervisor.counters[.entries]
      case .filterByMode, nil: UInt64(0)
      }
    let host = start.flatMap { start in clock.map { figures(of: replay, elapsed: start.duration(to: $0.now)) } }
    return Outcome(counts: counts, tally: replay.tally, switches: switches, host: host)
  }

  private func figures(of replay: StrategyReplay, elapsed: Duration) -> HostFigures {
    let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
    let timing = HostTiming(replay.hypervisor, samples: replay.samples)
    return HostFigures(
      seconds: seconds, writesPerSecond: Double(reader.header.totals.writes) / seconds,
      lookupNanoseconds: timing.lookup, alertNanoseconds: timing.alert)
  }

  /// The recording as a result describes it.
  var description: ReplayedTrace {
    let header = reader.header
    return ReplayedTrace(
      path: path, digest: reader.digest.map { "\($0)" } ?? "", writes: header.totals.writes, runs: header.totals.runs,
      pages: header.totals.pages, vcpus: header.totals.vcpus, instructions: header.totals.instructions.reduce(0, +),
      hypercalls: header.totals.hypercalls, marks: header.totals.marks,
      guest: header.recording.guest.kernelPackage ?? header.recording.title)
  }
}
