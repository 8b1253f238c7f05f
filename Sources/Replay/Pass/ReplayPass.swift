import GuestIntegrity
import Recordings
import Histogram

/// One pass over a recording, which replays it under every strategy at once: each block is decoded and filtered once, and
/// handed to one strategy after the other.
final class ReplayPass {
  private let recording: Recording
  private let protection: Protection
  private let request: ReplayRequest
  private var source: HypercallSource
  /// One a strategy; one of the guest unmonitored among them, if it was asked for.
  private let replays: [StrategyReplay]
  /// What the guest touched between exits.
  private let footprint: GuestFootprint
  /// In two dimensions.
  private var linear: LinearRuns?
  /// Of a recording with loads or fetches.
  private var merge: AccessMerge?
  private var filter: RunFilter
  /// Nil where there are none.
  private var background: BackgroundExits?
  /// Pages whose places may be asked for.
  private let monitored = PageSelection()
  private let stopwatch: Stopwatch
  /// Who takes alerts on a thread of its own, once something is protected; nil where no clock is read.
  private var consumer: InPlaceConsumer?
  /// When protection began.
  private var armed: ArmedInstructions
  private var haveStoresBegun = false
  /// The events of each kind so far.
  private var counted = RecordingHeader.Totals()
  private let pictures: PictureCollector?
  /// Nil where nobody asks for names.
  private var comparison: StoreComparison?

  private var totals: RecordingHeader.Totals { recording.reader.header.totals }

  /// A pass that has not begun.
  init(
    over recording: Recording, _ strategies: [Strategy?], under protection: Protection, request: ReplayRequest,
    pictures: PictureCollector? = nil
  ) throws {
    self.pictures = pictures
    self.recording = recording
    self.protection = protection
    self.request = request
    source = protection.source
    let totals = recording.reader.header.totals
    let hasAccesses = !recording.accessColumns.isEmpty
    let ramBytes = source.memoryBytes(of: recording.ramBytes)
    let symbols = request.namesPages ? SymbolTable(protection.placed(recording.reader.header.recording.symbols)) : nil
    let footprint = GuestFootprint()
    self.footprint = footprint
    replays = try strategies.map { strategy in
      let replay = try StrategyReplay(
        strategy, ramBytes: ramBytes, vcpus: totals.vcpus, geometry: request.profile.geometry,
        listed: protection.listed, critical: protection.critical, dimensions: request.dimensions,
        hasAccesses: hasAccesses, symbols: symbols)
      replay.footprint = footprint
      if strategy != nil {
        replay.times = NotificationTimes(request.latency, LatencyCosts(request.profile), vcpus: totals.vcpus)
      }
      return replay
    }
    linear = request.dimensions == .two ? LinearRuns(name: recording.path, pages: ramBytes >> 12) : nil
    merge = try hasAccesses ? AccessMerge(path: recording.path, vcpus: totals.vcpus) : nil
    filter = RunFilter(
      vcpus: totals.vcpus, geometry: request.profile.geometry,
      pages: request.dimensions == .one ? ramBytes >> 12 : LinearKey.limit, hasRegions: request.dimensions == .two,
      hasAccesses: hasAccesses)
    background = BackgroundExits(
      request.latency, cyclesPerNanosecond: LatencyCosts(request.profile).cyclesPerNanosecond, vcpus: totals.vcpus)
    armed = ArmedInstructions(vcpus: totals.vcpus)
    stopwatch = Stopwatch(laps: strategies.count, isRunning: !request.countersOnly)
    list(by: symbols)
  }

  /// Has notifications listed one by one, and stores compared, where somebody asks.
  private func list(by symbols: SymbolTable?) {
    let monitored = replays.filter { $0.strategy != nil }
    let marks = Dictionary(recording.reader.header.recording.marks.map { ($0.id, $0.name) }) { first, _ in first }
    if request.namesPages, monitored.count > 1 {
      comparison = StoreComparison(monitored.compactMap(\.strategy), marks: marks)
      for replay in monitored { replay.noticed = [] }
    }
    guard pictures != nil || request.notified != nil else { return }
    let names = NotificationLog.Names(
      symbols: symbols, truePages: protection.truePages, region: protection.name,
      marks: marks)
    for replay in monitored {
      guard let strategy = replay.strategy else { continue }
      replay.listing = NotificationLog(of: strategy, names: names) { [pictures, request] notification in
        pictures?.note(notification)
        try request.notified?(notification)
      }
    }
  }

  /// What was notified since the last time is compared while it can be found in the block at hand.
  private func compareStores(in cursor: BlockCursor) throws {
    guard comparison != nil else { return }
    let noticed = replays.compactMap(\.noticed)
    try comparison?.compare(noticed, in: cursor)
    for replay in replays where replay.noticed != nil { replay.noticed?.removeAll(keepingCapacity: true) }
  }

  /// Replays the whole recording; what each strategy's replay counted.
  func run() throws -> [Recording.Outcome] {
    let rate = request.countersOnly ? nil : TickRate()
    defer { _ = stopConsumer() }
    try execute(source.start())
    let blocks = BlockStream(
      recording.reader, columns: request.dimensions.columns.union(recording.accessColumns), threads: request.threads)
    while let (buffer, header) = try blocks.nextBlock() {
      try replay(buffer, firstWrite: header.firstWrite, writes: UInt64(header.writes))
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
    let ages = stopConsumer()
    let outcomes = replays.enumerated().map { lap, replay in
      var outcome = outcome(of: replay, seconds: stopwatch.seconds(lap: lap))
      if let rate, let inPlace = replay.inPlace {
        outcome.inPlace = InPlaceTimes(inPlace, delivered: ages?[lap], nanosecondsPerTick: rate.nanosecondsPerTick)
      }
      if pictures != nil, let strategy = replay.strategy { outcome.curves = replay.times?.curves(of: strategy) }
      outcome.differing = comparison?.differences.first { $0.strategy == replay.strategy?.name }
      return outcome
    }
    for replay in replays { if let failure = replay.listing?.failure { throw failure } }
    return outcomes
  }

  /// Begins to time notifications where they happen, and to take their alerts on a thread of its own.
  private func timeInPlace() {
    guard !request.countersOnly, !replays.contains(where: { $0.inPlace != nil }) else { return }
    let rings = replays.map { replay in (0..<totals.vcpus).map { replay.hypervisor.alerts(of: $0) } }
    consumer = InPlaceConsumer(rings)
    for replay in replays where replay.strategy != nil {
      replay.inPlace = InPlaceTiming()
      replay.inPlaceConsumer = consumer
    }
  }

  /// Ends the thread that takes alerts; their ages, by strategy.
  private func stopConsumer() -> [Histogram<UInt64>]? {
    for replay in replays { replay.inPlaceConsumer = nil }
    defer { consumer = nil }
    return consumer?.finish()
  }

  /// Replays a block: its runs in order, and between them the events that concern a replay.
  private func replay(_ buffer: RecordingBlock, firstWrite: UInt64, writes: UInt64) throws {
    let keys = linear?.begin(buffer) ?? buffer.runs
    merge?.begin(buffer)
    let cursor = BlockCursor(
      block: buffer, keys: keys, monitored: monitored, firstWrite: firstWrite, stopwatch: stopwatch)
    footprint.begin()
    for replay in replays { replay.begin(cursor) }
    haveStoresBegun = true
    /// The first run behind the beginning of protection, as far as this block knows.
    var armedFrom = 0
    var next = 0
    for (number, event) in buffer.events.enumerated() {
      counted.count(event.event)
      let isLast = event.run >= buffer.runs.count
      pictures?.note(
        event.event, behind: firstWrite + (isLast ? writes : UInt64(buffer.firstWrite(ofRun: event.run))))
      let calls = source.calls(at: event.event)
      let isPaging = request.dimensions.concern(event.event)
      guard !calls.isEmpty || isPaging else { continue }
      try replayRuns(next..<event.run, upTo: event.run + number, of: cursor, keys)
      next = event.run
      if armed.isWaiting { armedFrom = event.run }
      try execute(calls)
      guard isPaging, let change = try PagingChange(event.event, &linear) else { continue }
      filter.forget()
      each { $0.apply(change) }
    }
    try replayRuns(next..<buffer.runs.count, upTo: .max, of: cursor, keys)
    for replay in replays {
      replay.listing?.pass(buffer.events)
      if let failure = replay.listing?.failure { throw failure }
    }
    try compareStores(in: cursor)
    try armed.look(in: cursor, from: armedFrom)
  }

  /// Replays a range of a block's runs, with what else is accessed up to so many of its runs and events, and the exits between
  /// them that have nothing to do with the monitor.
  private func replayRuns(
    _ range: Range<Int>, upTo place: Int, of cursor: BlockCursor, _ keys: UnsafeBufferPointer<Run>
  ) throws {
    guard background != nil else { return try replayAccesses(range, upTo: place, of: cursor.block, keys) }
    var start = range.lowerBound
    for index in range where !cursor.runs[index].isContinuation {
      let (vcpu, clock) = (cursor.runs[index].vcpu, try cursor.clock(ofRun: index))
      guard background?.isDue(on: vcpu, at: clock) == true else { continue }
      try replayAccesses(start..<index, upTo: place, of: cursor.block, keys)
      start = index
      var haveLost = false
      each { if $0.exitInBackground(on: vcpu, at: clock) { haveLost = true } }
      if haveLost { filter.forget() }
    }
    try replayAccesses(start..<range.upperBound, upTo: place, of: cursor.block, keys)
  }

  /// Replays a range of a block's runs, with what else is accessed up to so many of its runs and events.
  private func replayAccesses(
    _ range: Range<Int>, upTo place: Int, of buffer: RecordingBlock, _ keys: UnsafeBufferPointer<Run>
  ) throws {
    try linear?.assign(range, of: buffer, filter)
    var stretch = Stretch(runs: range, of: keys)
    if let merged = try merge?.stretch(range, upTo: place, of: buffer, keys, &linear, filter) {
      stretch = merged
    }
    guard !request.isUnfiltered else {
      return try each { try $0.replayEvery(of: stretch, from: stretch.range.lowerBound) }
    }
    let touches = filter.touches(in: stretch.words, from: stretch.range.lowerBound, to: stretch.range.upperBound)
    var haveLost = false
    try each { if try $0.replay(touches, of: stretch, filter) { haveLost = true } }
    if haveLost { filter.forget() }
  }

  /// Executes hypercalls; whatever pages they name are watched from then on.
  private func execute(_ calls: [HypercallSource.Due]) throws {
    if !calls.isEmpty { timeInPlace() }
    for due in calls {
      for range in due.call.namedPages {
        monitored.insert(range)
        if linear == nil { filter.watch(range) } else { linear?.watch(range) }
      }
      filter.forget()
      try each { replay in
        let result = try replay.execute(due.call, on: due.vcpu)
        if let purpose = due.purpose, let error = result?.error { throw protection.refusal(of: purpose, error) }
        if result == .success, HypercallNumber(rawValue: due.call.number) == .protect {
          armed.begin(on: due.vcpu, at: due.call.time, isBeforeEveryStore: !haveStoresBegun)
        }
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
    var counts = replay.counts(
      ofAccesses: totals.accesses + (totals.loads?.accesses ?? 0) + (totals.fetches?.accesses ?? 0))
    counts[.writes] = totals.writes
    counts[.runs] = totals.runs
    return Recording.Outcome(
      counts: counts, ownStores: replay.hypervisor.processors.ownStores, setUp: replay.setUp,
      armedInstructions: armed.count(of: totals.instructions),
      integrityFaults: replay.hypervisor.counters[.integrityFaults], tally: replay.tally, switches: replay.switches,
      host: seconds.map { figures(of: replay, seconds: $0) },
      hostRatioTask: replay.hostRatioTask(guestBytes: recording.ramBytes), times: replay.times?.figures)
  }

  private func figures(of replay: StrategyReplay, seconds: Double) -> HostFigures {
    let timing = HostTiming(replay.hypervisor, samples: replay.samples)
    return HostFigures(
      seconds: seconds, sharedSeconds: stopwatch.sharedSeconds, writesPerSecond: Double(totals.writes) / seconds,
      timerNanoseconds: timing.timer,
      lookupNanoseconds: timing.lookup, alertNanoseconds: timing.alert)
  }
}
