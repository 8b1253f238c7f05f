import GuestIntegrity
import Recordings

/// One pass over a recording, which replays it under every strategy at once: each block is decoded and filtered once, and
/// handed to one strategy after the other.
final class ReplayPass {
  private let recording: Recording
  private let protection: Protection
  private let request: ReplayRequest
  private var source: HypercallSource
  /// One a strategy; one of the guest unmonitored among them, if it was asked for.
  private let replays: [StrategyReplay]
  /// In two dimensions.
  private var linear: LinearRuns?
  private var filter: RunFilter
  /// Pages whose places may be asked for.
  private let monitored = PageSelection()
  private let stopwatch: Stopwatch
  /// The events of each kind so far.
  private var counted = RecordingHeader.Totals()

  private var totals: RecordingHeader.Totals { recording.reader.header.totals }

  /// A pass that has not begun.
  init(
    over recording: Recording, _ strategies: [Strategy?], under protection: Protection, request: ReplayRequest
  ) throws {
    self.recording = recording
    self.protection = protection
    self.request = request
    source = protection.source
    let totals = recording.reader.header.totals
    let ramBytes = source.memoryBytes(of: recording.ramBytes)
    let symbols = request.namesPages ? SymbolTable(protection.placed(recording.reader.header.recording.symbols)) : nil
    replays = try strategies.map { strategy in
      let replay = try StrategyReplay(
        strategy, ramBytes: ramBytes, vcpus: totals.vcpus, geometry: request.profile.geometry,
        listed: protection.listed, dimensions: request.dimensions, symbols: symbols)
      if request.isOpenLoop { replay.openLoop = OpenLoop(vcpus: totals.vcpus, profile: request.profile) }
      return replay
    }
    linear = request.dimensions == .two ? LinearRuns(name: recording.path, pages: ramBytes >> 12) : nil
    filter = RunFilter(
      vcpus: totals.vcpus, geometry: request.profile.geometry,
      pages: request.dimensions == .one ? ramBytes >> 12 : LinearKey.limit)
    stopwatch = Stopwatch(laps: strategies.count, isRunning: !request.countersOnly)
  }

  deinit {
    linear?.deallocate()
    filter.deallocate()
  }

  /// Replays the whole recording; what each strategy's replay counted.
  func run() throws -> [Recording.Outcome] {
    try execute(source.start())
    let blocks = BlockStream(recording.reader, columns: request.dimensions.columns, threads: request.threads)
    while let (buffer, header) = try blocks.nextBlock() {
      try replay(buffer, firstWrite: header.firstWrite)
      request.progress?(
        ReplayProgress(
          strategies: request.strategies.count, writes: header.firstWrite + UInt64(header.writes),
          totalWrites: totals.writes))
    }
    guard !source.isWaiting else { throw protection.neverAsked }
    // How many events there are of each kind no index tells, only the events.
    if let disagreement = totals.disagreement(withEventsOf: counted) {
      throw ReplayError("\(recording.path): \(disagreement); record or copy it anew")
    }
    return replays.enumerated().map { lap, replay in outcome(of: replay, seconds: stopwatch.seconds(lap: lap)) }
  }

  /// Replays a block: its runs in order, and between them the events that concern a replay.
  private func replay(_ buffer: RecordingBlock, firstWrite: UInt64) throws {
    let keys = linear?.begin(buffer) ?? buffer.runs
    let cursor = BlockCursor(
      block: buffer, keys: keys, monitored: monitored, firstWrite: firstWrite, stopwatch: stopwatch)
    for replay in replays { replay.begin(cursor) }
    var next = 0
    for event in buffer.events {
      counted.count(event.event)
      let calls = source.calls(at: event.event)
      let isPaging = request.dimensions.concern(event.event)
      guard !calls.isEmpty || isPaging else { continue }
      try replayRuns(next..<event.run, of: buffer, keys)
      next = event.run
      try execute(calls)
      guard isPaging, let change = try PagingChange(event.event, &linear) else { continue }
      filter.forget()
      each { $0.apply(change) }
    }
    try replayRuns(next..<buffer.runs.count, of: buffer, keys)
  }

  /// Replays a range of a block's runs.
  private func replayRuns(
    _ range: Range<Int>, of buffer: RecordingBlock, _ keys: UnsafeBufferPointer<Run>
  ) throws {
    try linear?.assign(range, of: buffer, filter)
    let touches = filter.touches(in: keys, from: range.lowerBound, to: range.upperBound)
    let filter = filter
    var haveLost = false
    try each { if try $0.replay(touches, of: range, filter) { haveLost = true } }
    if haveLost { filter.forget() }
  }

  /// Executes hypercalls; whatever pages they name are watched from then on.
  private func execute(_ calls: [HypercallSource.Due]) throws {
    for due in calls {
      for range in due.call.namedPages {
        monitored.insert(range)
        if let linear { linear.watch(range) } else { filter.watch(range) }
      }
      filter.forget()
      try each { replay in
        let result = replay.execute(due.call, on: due.vcpu)
        if let purpose = due.purpose, let error = result?.error { throw protection.refusal(of: purpose, error) }
      }
    }
  }

  /// Has every strategy do something, each on its own time.
  private func each(_ body: (StrategyReplay) throws -> Void) rethrows {
    for (lap, replay) in replays.enumerated() {
      stopwatch.run(lap: lap)
      try body(replay)
    }
    stopwatch.run(lap: nil)
  }

  private func outcome(of replay: StrategyReplay, seconds: Double?) -> Recording.Outcome {
    replay.finish(at: totals.instructions)
    var counts = replay.counts(ofAccesses: totals.accesses)
    counts[.writes] = totals.writes
    counts[.runs] = totals.runs
    return Recording.Outcome(
      counts: counts, ownStores: replay.hypervisor.processors.ownStores,
      integrityFaults: replay.hypervisor.counters[.integrityFaults], tally: replay.tally, switches: replay.switches,
      host: seconds.map { figures(of: replay, seconds: $0) },
      hostRatioTask: replay.hostRatioTask(guestBytes: recording.ramBytes), openLoop: replay.openLoop?.percentiles)
  }

  private func figures(of replay: StrategyReplay, seconds: Double) -> HostFigures {
    let timing = HostTiming(replay.hypervisor, samples: replay.samples)
    return HostFigures(
      seconds: seconds, writesPerSecond: Double(totals.writes) / seconds, timerNanoseconds: timing.timer,
      lookupNanoseconds: timing.lookup, alertNanoseconds: timing.alert)
  }
}
