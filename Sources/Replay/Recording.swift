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
    /// Abnormal ends of integrity mode.
    var integrityFaults: UInt64
    var tally: NotificationTally
    /// Switches between table sets, or of the write bits.
    var switches: UInt64
    /// Host figures; nil where no clock was read.
    var host: HostFigures?
    /// What host ratios can be taken of, if anything.
    var hostRatioTask: HostRatioTask?
    /// Latency at recorded times, in cycles; nil where nobody asked, or nothing was refused.
    var openLoop: Percentiles?
  }

  /// Replays the recording under every strategy at once: each block is decoded and filtered once, and handed to one
  /// strategy after the other. `nil` stands for the guest unmonitored.
  func replay(_ strategies: [Strategy?], under protection: Protection, request: ReplayRequest) throws -> [Outcome] {
    let totals = reader.header.totals
    var source = protection.source
    let ramBytes = source.memoryBytes(of: ramBytes)
    let symbols = SymbolTable(request.namesPages ? protection.placed(reader.header.recording.symbols) : [])
    let replays = try strategies.map { strategy in
      let replay = try StrategyReplay(
        strategy, ramBytes: ramBytes, vcpus: totals.vcpus, geometry: request.profile.geometry,
        listed: protection.listed, dimensions: request.dimensions, symbols: symbols)
      if request.isOpenLoop { replay.openLoop = OpenLoop(vcpus: totals.vcpus, profile: request.profile) }
      return replay
    }
    var linear = request.dimensions == .two ? LinearRuns(name: path, pages: ramBytes >> 12) : nil
    defer { linear?.deallocate() }
    var filter = RunFilter(
      vcpus: totals.vcpus, geometry: request.profile.geometry, pages: linear == nil ? ramBytes >> 12 : LinearKey.limit)
    defer { filter.deallocate() }
    let monitored = PageSelection()
    let stopwatch = Stopwatch(laps: strategies.count, isRunning: !request.countersOnly)
    func execute(_ calls: [HypercallSource.Due]) throws {
      for due in calls {
        for range in due.call.namedPages {
          monitored.insert(range)
          if let linear { linear.watch(range) } else { filter.watch(range) }
        }
        filter.forget()
        for (lap, replay) in replays.enumerated() {
          stopwatch.run(lap: lap)
          let result = replay.execute(due.call, on: due.vcpu)
          if let purpose = due.purpose, let error = result?.error { throw protection.refusal(of: purpose, error) }
        }
        stopwatch.run(lap: nil)
      }
    }
    try execute(source.start())
    let blocks = BlockStream(reader, columns: request.dimensions.columns, threads: request.threads)
    while let (buffer, block) = try blocks.nextBlock() {
      let keys = linear?.begin(buffer) ?? buffer.runs
      for replay in replays {
        replay.begin(
          BlockCursor(
            block: buffer, keys: keys, monitored: monitored, firstWrite: block.firstWrite, stopwatch: stopwatch))
      }
      func replayRuns(_ range: Range<Int>) throws {
        try linear?.assign(range, of: buffer, filter)
        let touches = filter.touches(in: keys, from: range.lowerBound, to: range.upperBound)
        var haveLost = false
        for (lap, replay) in replays.enumerated() {
          stopwatch.run(lap: lap)
          if try replay.replay(touches, of: range, filter) { haveLost = true }
        }
        if haveLost { filter.forget() }
        stopwatch.run(lap: nil)
      }
      var next = 0
      for event in buffer.events {
        let calls = source.calls(at: event.event)
        let isPaging = request.dimensions.concern(event.event)
        guard !calls.isEmpty || isPaging else { continue }
        try replayRuns(next..<event.run)
        next = event.run
        try execute(calls)
        guard isPaging, let change = try PagingChange(event.event, &linear) else { continue }
        filter.forget()
        for (lap, replay) in replays.enumerated() {
          stopwatch.run(lap: lap)
          replay.apply(change)
        }
        stopwatch.run(lap: nil)
      }
      try replayRuns(next..<buffer.runs.count)
      request.progress?(
        ReplayProgress(
          strategies: request.strategies.count, writes: block.firstWrite + UInt64(block.writes),
          totalWrites: totals.writes))
    }
    guard !source.isWaiting else { throw protection.neverAsked }
    return replays.enumerated().map { lap, replay in
      replay.finish(at: totals.instructions)
      var counts = replay.counts(ofAccesses: totals.accesses)
      counts[.writes] = totals.writes
      counts[.runs] = totals.runs
      let host = stopwatch.seconds(lap: lap).map { figures(of: replay, seconds: $0) }
      return Outcome(
        counts: counts, ownStores: replay.hypervisor.processors.ownStores,
        integrityFaults: replay.hypervisor.counters[.integrityFaults], tally: replay.tally, switches: replay.switches,
        host: host,
        hostRatioTask: replay.hostRatioTask(guestBytes: self.ramBytes), openLoop: replay.openLoop?.percentiles)
    }
  }

  private func figures(of replay: StrategyReplay, seconds: Double) -> HostFigures {
    let timing = HostTiming(replay.hypervisor, samples: replay.samples)
    return HostFigures(
      seconds: seconds, writesPerSecond: Double(reader.header.totals.writes) / seconds, timerNanoseconds: timing.timer,
      lookupNanoseconds: timing.lookup, alertNanoseconds: timing.alert)
  }

  /// The recording as a result describes it.
  var description: ReplayedRecording {
    let header = reader.header
    let cautions = header.recording.cautions
    return ReplayedRecording(
      path: path, digest: reader.digest.map { "\($0)" } ?? "", writes: header.totals.writes, runs: header.totals.runs,
      pages: header.totals.pages, vcpus: header.totals.vcpus, instructions: header.totals.instructions.reduce(0, +),
      hypercalls: header.totals.hypercalls, marks: header.totals.marks,
      guest: header.recording.guest.kernelPackage ?? header.recording.title,
      addresses: header.recording.addresses == .guestPhysical
        ? nil : header.recording.log?.truePages?.rawValue ?? "linear",
      log: header.recording.log, cautions: cautions.isEmpty ? nil : cautions)
  }
}
