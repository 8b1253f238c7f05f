import Addresses
import EPT
import GuestIntegrity
import MonitorTree
import Recordings

/// One strategy over one recording: every recorded store translates through the emulated EPT, every recorded hypercall
/// reaches the hypervisor.
///
/// The common case never leaves ``FirstLevelTLB/firstMiss(of:in:_:from:)``: an access whose translation the first-level TLB holds.
///
/// What changes with runs and notifications has its accesses unchecked: one thread has it, and nobody keeps a reference.
final class StrategyReplay {
  /// The strategy; nil for the guest unmonitored, in which nothing is ever protected: what overhead is counted from.
  let strategy: Strategy?
  let hypervisor: Hypervisor<ModelledProcessors>
  let mechanism: Mechanism
  /// Whether a store's place in its page matters to the processor.
  let asksSubPages: Bool
  @exclusivity(unchecked) var protected: ProtectedBytes
  private var bounds: HypercallBounds
  @exclusivity(unchecked) var tally: NotificationTally
  /// What setting up has cost: every hypercall up to the end of the window in which the first pages were protected.
  private(set) var setUp = EventCounts()
  private(set) var isSetUp = false
  private var hasProtected = false
  /// When notifications are raised and delivered; nil of a guest unmonitored.
  @exclusivity(unchecked) var times: NotificationTimes?
  /// What the guest touched; shared by all strategies.
  @exclusivity(unchecked) var footprint = GuestFootprint()
  /// Who lists notifications one by one; nil where nobody does.
  @exclusivity(unchecked) var listing: NotificationLog? { didSet { times?.listing = listing } }
  /// Stores notified since somebody last compared them with another strategy's; nil where nobody does.
  @exclusivity(unchecked) var noticed: [NoticedStore]?
  /// Host time of notifications where they happen; nil where no clock is read.
  @exclusivity(unchecked) var inPlace: InPlaceTiming?
  /// Who takes the alerts on a thread of its own; nil where nobody does.
  @exclusivity(unchecked) var inPlaceConsumer: InPlaceConsumer?
  /// Whether a hypercall has been executed.
  @exclusivity(unchecked) var isArmed = false
  /// The run, of the block at hand, before which everything has been replayed.
  @exclusivity(unchecked) var position = 0
  @exclusivity(unchecked) var translations = TranslationCounts()
  @exclusivity(unchecked) var cursor: BlockCursor
  /// Stores in each vCPU's page-modification log, oldest first.
  @exclusivity(unchecked) var logged: [[LoggedStore]]
  /// The run, of the block at hand, whose store has been judged whole with the part before.
  @exclusivity(unchecked) var judgedContinuation: Int?
  let dimensions: Dimensions
  /// The guest's own paging; nil in one dimension.
  @exclusivity(unchecked) var guest: GuestPaging?
  /// The first stores refused, for timing our own path afterwards.
  @exclusivity(unchecked) var samples: [RefusedStore] = []
  static let sampleLimit = 1024
  /// What ``ModelledProcessors`` keeps in raw memory, at hand without copying the rest.
  let fast: UnsafeMutablePointer<FirstLevelTLB>
  let machines: UnsafeMutablePointer<EPTMachine<FlatMemory>>
  let caches: UnsafeMutablePointer<VirtualCPUCaches>
  let invalidations: UnsafeMutablePointer<UInt64>
  /// By vCPU, what cached translations do not permit; nil of a recording of stores alone.
  @exclusivity(unchecked) var rights: [CachedRights]?

  init(
    _ strategy: Strategy?, ramBytes recordedBytes: UInt64, vcpus: Int, geometry: CacheGeometry,
    listed: [UInt64: [Range<UInt64>]], critical: Set<RegionID> = [], dimensions: Dimensions = .one,
    hasAccesses: Bool = false,
    symbols: SymbolTable? = nil
  ) throws {
    tally = NotificationTally(symbols: symbols)
    let spare = dimensions == .one ? 0 : GuestTables.sparePages(besides: recordedBytes >> 12) << 12
    let ramBytes = recordedBytes + spare
    self.strategy = strategy
    self.dimensions = dimensions
    mechanism = strategy?.mechanism ?? Mechanism(switching: .filterByMode)
    asksSubPages = mechanism.noticing.features.contains(.subPagePermissions)
    protected = ProtectedBytes(listed: listed)
    bounds = HypercallBounds(strategy, guestPages: ramBytes >> 12)
    var configuration = Configuration(mechanism)
    // A recording without values leaves guest memory empty but for the tree: there are no old bytes to tell.
    configuration.recordsOldBytes = false
    configuration.guestIsRecorded = true
    configuration.criticalRegions = critical
    for case let (id, ranges) in listed where id <= UInt64(RegionID.RawValue.max) {
      configuration.regionBytes[RegionID(RegionID.RawValue(id))] = ranges
    }
    let bytes = Hypervisor<ModelledProcessors>.hostBytes(ramBytes: ramBytes)
    guard let memory = HostMemory(byteCount: bytes) else {
      throw ReplayError(
        "\(bytes) bytes of address space were refused by the operating system; free some or raise its limit")
    }
    let processors = ModelledProcessors(
      memory: memory.memory, vcpus: vcpus, geometry: geometry, hasAccesses: hasAccesses)
    rights = hasAccesses ? Array(repeating: CachedRights(), count: vcpus) : nil
    (fast, machines) = (processors.fast, processors.machines)
    (caches, invalidations) = (processors.caches, processors.invalidations)
    logged = (0..<vcpus).map { _ in [] }
    cursor = BlockCursor(
      block: RecordingBlock(), monitored: PageSelection(), firstWrite: 0,
      stopwatch: Stopwatch(laps: 0, isRunning: false))
    hypervisor = try Hypervisor(
      memory: memory, ramBytes: ramBytes, vcpus: vcpus, configuration: configuration, processors: processors)
    hypervisor.processors.pointers = TableSet.allCases.map { [hypervisor] in hypervisor.eptp(of: $0) }
    for vcpu in 0..<vcpus { hypervisor.configure(&machines[vcpu], for: vcpu) }
    guard dimensions == .two else { return }
    guest = GuestPaging(
      tables: GuestTables(
        memory: memory.memory, recordedPages: recordedBytes >> 12, pages: ramBytes >> 12),
      roots: Array(repeating: nil, count: vcpus), registers: Array(repeating: PagingRegisters(), count: vcpus))
    // The first access through a mapping sets its flags, whatever becomes of the access: so every strategy sees the same.
    for vcpu in 0..<vcpus { machines[vcpu].policies.guestFlags = .before }
  }

  /// Begins a block.
  func begin(_ block: BlockCursor) {
    cursor = block
    judgedContinuation = nil
    position = 0
    listing?.begin()
  }

  /// Replays those words of a stretch that a ``RunFilter`` found; true if caches lost entries, so that the filter must forget
  /// what it knows.
  func replay(
    _ touches: UnsafeBufferPointer<UInt32>, of stretch: Stretch, _ filter: borrowing RunFilter
  ) throws -> Bool {
    defer { position = stretch.endRun }
    let runs = stretch.words
    var next = 0
    while true {
      next = FirstLevelTLB.firstMiss(of: fast, in: runs, touches, from: next)
      guard next < touches.count else { return false }
      let index = Int(touches[next])
      let invalidationsBefore = invalidations.pointee
      let (tlb, tag) = (runs[index].vcpu, fast[runs[index].vcpu].tag)
      try translate(index, of: stretch)
      // What the filter took to be cached may be gone.
      if invalidations.pointee != invalidationsBefore {
        filter.stacks.settle(runs, from: stretch.range.lowerBound, to: index, told: touches[...next]) { run in
          let other = fast + run.vcpu
          // A fetch may have ended integrity mode: what came before it was made with the set of before.
          let before = run.vcpu % logged.count == tlb % logged.count ? tag : other.pointee.tag
          _ = other.pointee.cache.hit(TranslationKey.key(of: run) | before)
        }
        try replayEvery(of: stretch, from: index + 1)
        return true
      }
      next += 1
      if let judged = judgedContinuation, next < touches.count, index + 1 < runs.count,
        stretch.run(at: index + 1) == judged, stretch.run(at: index) == judged - 1
      {
        translations.skipped += 1
        next += 1
      }
    }
  }

  /// Replays the words of a stretch one by one, from one of them on, none taken to be cached.
  func replayEvery(of stretch: Stretch, from start: Int) throws {
    let runs = stretch.words
    for index in start..<max(start, stretch.range.upperBound) {
      if judgedContinuation != nil, stretch.run(at: index) == judgedContinuation {
        translations.skipped += 1
        continue
      }
      let vcpu = fast + runs[index].vcpu
      if !vcpu.pointee.cache.hit(TranslationKey.key(of: runs[index]) | vcpu.pointee.tag) {
        try translate(index, of: stretch)
      }
    }
  }

  /// Has the hypervisor execute a hypercall; nil where the guest is unmonitored.
  @discardableResult
  func execute(_ call: Hypercall, on vcpu: Int) throws -> HypercallResult? {
    guard strategy != nil else { return nil }
    try bounds.admit(call, on: vcpu)
    let ownStores = hypervisor.processors.ownStores
    let before = isSetUp ? EventCounts() : hypervisor.processors.total
    let result = hypervisor.hypercall(call, on: vcpu)
    if !isSetUp { noteSetUp(call, result, since: before) }
    try timeHypercall(at: call.time, on: vcpu, after: ownStores)
    noticeLate(on: vcpu, at: call.time)
    discardAlerts(of: vcpu)
    guard result == .success, let range = PageRange(first: GuestPageNumber(call.rdi), count: call.rsi) else {
      return result
    }
    bounds.done(call)
    switch HypercallNumber(rawValue: call.number) {
    case .protect: protected.claim(range, by: call.r10)
    case .unprotect: protected.release(range, by: call.r10)
    default: break
    }
    return result
  }

  private func noteSetUp(_ call: Hypercall, _ result: HypercallResult, since before: EventCounts) {
    setUp += hypervisor.processors.total - before
    switch HypercallNumber(rawValue: call.number) {
    case .protect where result == .success: hasProtected = true
    case .exit: isSetUp = hasProtected
    default: break
    }
  }

  /// The recording is over: what the logs still hold is found now, at the last instruction of each vCPU.
  func finish(at instructions: [UInt64]) {
    for vcpu in logged.indices where strategy != nil {
      hypervisor.drainModificationLog(of: vcpu, time: instructions[vcpu])
      noticeLate(on: vcpu, at: instructions[vcpu])
    }
    times?.finish()
  }

  /// What has been counted, of so many accesses.
  func counts(ofAccesses accesses: UInt64) -> EventCounts {
    var counts = hypervisor.processors.total
    translations.add(to: &counts, accesses: accesses)
    return counts
  }

  /// Switches between table sets, or of the write bits.
  var switches: UInt64 {
    let counts = hypervisor.processors.total
    return mechanism.switching.usesTwoSets
      ? counts[.eptpWrites] + counts[.vmfuncSwitches] : hypervisor.ownPageSwitches
  }
}
