import Addresses

/// Makes runs of records: the state of a writer that changes with every store.
struct RunBuilder: ~Copyable {
  private let pipeline: BlockPipeline
  private let keepsLinear: Bool
  private let keepsPointers: Bool
  private let keepsValues: Bool
  private let runLimit: Int
  private let accessLimit: Int
  /// A block ends when it holds this many runs of loads, or of fetches.
  private let accessRunLimit: Int

  // The run that is open; `openAccesses` is 0 when none is.
  private var openPage: UInt64 = 0
  private var openLinear: UInt64 = 0
  private var openVCPU = 0
  private var openAccesses = 0
  private var openLimit = 0
  private var openFlags: UInt64 = 0

  // The block that is open.
  private var draft: BlockDraft?
  private var runs = 0
  private var accesses = 0
  private var writes = 0
  private var number = 0
  private var blockClocks: [UInt64] = []
  private var firstWrite: UInt64 = 0
  private var firstRun: UInt64 = 0
  private var firstEvent: UInt64 = 0
  // Copies of the draft's pointers, to spare a load and a check for each store.
  private var places: UnsafeMutablePointer<UInt16>
  private var steps: UnsafeMutablePointer<UInt8>

  /// For each vCPU, the count of its last record, and of the first access of its last run.
  private let lastCounts = Storage<UInt64>(repeating: 0, count: RecordingFormat.maximumVCPUs)
  private let lastStarts = Storage<UInt64>(repeating: 0, count: RecordingFormat.maximumVCPUs)
  /// For each kind and vCPU, the count of its last accesses.
  private var lastAccesses: [RecordedAccesses.Kind: [UInt64]] = [:]
  private var vcpus: Int
  private let pages = PageSet()
  private(set) var totals = RecordingHeader.Totals()

  init(pipeline: BlockPipeline, columns: RecordingColumns, runLimit: Int, accessLimit: Int, vcpus: Int) {
    self.pipeline = pipeline
    self.runLimit = runLimit
    self.accessLimit = accessLimit
    accessRunLimit = min(max(4 * runLimit, 16), RecordingFormat.maximumAccessRuns)
    if columns.contains(.loads) { totals.loads = .init() }
    if columns.contains(.fetches) { totals.fetches = .init() }
    self.vcpus = vcpus
    keepsLinear = columns.contains(.linearPages)
    keepsPointers = columns.contains(.instructionPointers)
    keepsValues = columns.contains(.values)
    let first = pipeline.next()
    draft = first
    places = first.places.base
    steps = first.steps.base
    blockClocks = [UInt64](repeating: 0, count: RecordingFormat.maximumVCPUs)
  }

  deinit {
    if let draft { pipeline.giveBack(draft) }
  }

  @inline(__always)
  mutating func write(
    vcpu: Int, count: UInt64, gpa: UInt64, gva: UInt64, size: Int, rip: UInt64, value: (low: UInt64, high: UInt64)?,
    rest: UInt64?
  ) throws(WriterFlaw) {
    let page = gpa >> 12
    let offset = Int(truncatingIfNeeded: gpa & 0xfff)
    guard vcpu >= 0, vcpu < RecordingFormat.maximumVCPUs, size >= 1, size <= Place.maximumSize,
      page < RecordingFormat.maximumPages - 1, count >= lastCounts.base[vcpu], count < RecordingFormat.maximumCount
    else { throw .record(flaw(vcpu: vcpu, count: count, gpa: gpa, size: size)) }
    if keepsLinear, (gva ^ gpa) & 0xfff != 0 || !isCanonical(gva) {
      throw .record(
        Flaw(
          found: "linear address \(hex(gva)) for guest-physical \(hex(gpa))",
          expected: "a canonical address with the same low 12 bits"))
    }
    if keepsPointers, !isCanonical(rip) {
      throw .record(Flaw(found: "instruction pointer \(hex(rip))", expected: "a canonical address"))
    }
    if let rest, rest >= RecordingFormat.maximumPages - 1 {
      throw .record(Flaw(found: "guest page \(rest)", expected: "a page below 2^32 - 1"))
    }
    let room = 4096 - offset
    let first = min(size, room)
    try access(page: page, linear: gva >> 12, vcpu: vcpu, count: count, offset: offset, size: first, flags: 0)
    if keepsPointers { draftPointers(rip) }
    if keepsValues { keepValue(value, from: 0, bytes: first, of: size) }
    writes &+= 1
    totals.bytes &+= UInt64(truncatingIfNeeded: size)
    if size > room {
      closeRun()
      // Linear addresses wrap at the top of a 57-bit half; the second page number wraps with them.
      let linear = ((gva &+ UInt64(truncatingIfNeeded: room)) >> 12)
      try access(
        page: rest ?? page &+ 1, linear: linear, vcpu: vcpu, count: count, offset: 0, size: size &- first,
        flags: 1 << 56)
      if keepsPointers { draftPointers(rip) }
      if keepsValues { keepValue(value, from: first, bytes: size &- first, of: size) }
      closeRun()
    }
  }

  @inline(__always)
  private mutating func access(
    page: UInt64, linear: UInt64, vcpu: Int, count: UInt64, offset: Int, size: Int, flags: UInt64
  ) throws(WriterFlaw) {
    if page == openPage, vcpu == openVCPU, openAccesses < openLimit, linear == openLinear || !keepsLinear {
      let step = count &- lastCounts.base[vcpu]
      let index = accesses &- runs
      if step < UInt64(NarrowColumn.stepEscape) {
        steps[index] = UInt8(truncatingIfNeeded: step)
      } else {
        steps[index] = NarrowColumn.stepEscape
        draft?.wideSteps.append(NarrowException(index: UInt32(index), value: step))
      }
    } else {
      try openRun(page: page, linear: linear, vcpu: vcpu, count: count, flags: flags)
    }
    lastCounts.base[vcpu] = count
    let code = sizeCode(size)
    places[accesses] = UInt16(truncatingIfNeeded: offset) | code
    if code == 0 { draft?.wideSizes.append(NarrowException(index: UInt32(accesses), value: UInt64(size))) }
    accesses &+= 1
    openAccesses &+= 1
  }

  @inline(__always)
  private func sizeCode(_ size: Int) -> UInt16 {
    size <= 8 ? UInt16(truncatingIfNeeded: size) << 12 : Place.code(ofSize: size)
  }

  private mutating func openRun(page: UInt64, linear: UInt64, vcpu: Int, count: UInt64, flags: UInt64)
    throws(WriterFlaw)
  {
    closeRun()
    // A continuation never starts a block, so that a store lies whole in one.
    if flags == 0, runs >= runLimit || accesses >= accessLimit || hasManyAccessRuns { try flush() }
    guard let draft else { return }
    if flags != 0 {
      let place = runs + draft.events.count
      draft.loads.moveOn(from: place)
      draft.fetches.moveOn(from: place)
    }
    let step = count &- lastStarts.base[vcpu]
    if step < UInt64(NarrowColumn.clockEscape) {
      draft.clocks.base[runs] = UInt16(truncatingIfNeeded: step)
    } else {
      draft.clocks.base[runs] = NarrowColumn.clockEscape
      draft.wideClocks.append(NarrowException(index: UInt32(runs), value: step))
    }
    if keepsLinear { draft.linearPages.base[runs] = linear }
    lastStarts.base[vcpu] = count
    openPage = page
    openLinear = linear
    openVCPU = vcpu
    openFlags = flags
    openLimit = flags == 0 ? min(65535, accessLimit - accesses) : 1
    runs += 1
    vcpus = max(vcpus, vcpu + 1)
    pages.insert(page)
    totals.pageLimit = max(totals.pageLimit, page + 1)
  }

  private mutating func closeRun() {
    guard openAccesses > 0 else { return }
    draft?.runs.base[runs - 1] =
      openPage | UInt64(openAccesses) << 32 | UInt64(openVCPU) << 48 | openFlags
    openAccesses = 0
    openLimit = 0
  }

  private func draftPointers(_ rip: UInt64) { draft?.instructionPointers.base[accesses - 1] = rip }

  private func keepValue(_ value: (low: UInt64, high: UInt64)?, from: Int, bytes: Int, of size: Int) {
    guard let draft else { return }
    guard let value, size <= 16 else {
      draft.valueLengths.base[accesses - 1] = 0
      return
    }
    draft.valueLengths.base[accesses - 1] = UInt8(bytes)
    for index in from..<from + bytes {
      let word = index < 8 ? value.low : value.high
      draft.valueBytes.base[draft.valueCount] = UInt8(truncatingIfNeeded: word >> UInt64(8 * (index & 7)))
      draft.valueCount += 1
    }
  }

  mutating func event(_ event: RecordedEvent) throws(WriterFlaw) {
    guard event.vcpu >= 0, event.vcpu < RecordingFormat.maximumVCPUs, event.count >= lastCounts.base[event.vcpu],
      event.count < RecordingFormat.maximumCount
    else { throw .record(flaw(vcpu: event.vcpu, count: event.count, gpa: 0, size: 1)) }
    switch event {
    case .hypercall(let call):
      guard (0...3).contains(call.cpl) else {
        throw .record(Flaw(found: "privilege level \(call.cpl)", expected: "0 to 3"))
      }
    case .map(let mapping):
      guard [12, 21, 30].contains(mapping.pageShift) else {
        throw .record(Flaw(found: "page size 2^\(mapping.pageShift)", expected: "2^12, 2^21 or 2^30"))
      }
    case .cr3, .mark, .halt, .control: break
    }
    totals.count(event)
    closeRun()
    if (draft?.events.count ?? 0) >= RecordingFormat.maximumEvents { try flush() }
    draft?.events.append(PlacedEvent(run: runs, event: event))
    lastCounts.base[event.vcpu] = event.count
    vcpus = max(vcpus, event.vcpu + 1)
  }

  private var hasManyAccessRuns: Bool {
    max(draft?.loads.words.count ?? 0, draft?.fetches.words.count ?? 0) >= accessRunLimit
  }

  /// Puts loads or fetches behind what there is, the run that is open included: that run goes on as if they were not there.
  mutating func accesses(_ new: RecordedAccesses) throws(WriterFlaw) {
    let linear = new.linearPage ?? new.page.rawValue
    guard new.vcpu >= 0, new.vcpu < RecordingFormat.maximumVCPUs, new.page.rawValue < RecordingFormat.maximumPages - 1,
      new.count < RecordingFormat.maximumCount
    else { throw .record(flaw(vcpu: new.vcpu, count: new.count, gpa: new.page.rawValue << 12, size: 1)) }
    // Each 65 535 of them are a run of their own: what a record of 48 bytes can ask for is bounded.
    guard 1...RecordingFormat.maximumRecordedAccesses ~= new.accesses, linear < 1 << 52 else {
      throw .record(
        Flaw(
          found: "\(new.accesses) accesses to linear page \(hex(linear))",
          expected: "1 to \(RecordingFormat.maximumRecordedAccesses), to a page below 2^52"))
    }
    let last = lastAccesses[new.kind]?[new.vcpu] ?? 0
    guard new.count >= last else {
      throw .record(
        Flaw(
          found: "a \(new.kind.rawValue) at instruction \(new.count) of vCPU \(new.vcpu)", expected: "at least \(last)")
      )
    }
    lastAccesses[new.kind, default: [UInt64](repeating: 0, count: RecordingFormat.maximumVCPUs)][new.vcpu] = new.count
    vcpus = max(vcpus, new.vcpu + 1)
    totals.pageLimit = max(totals.pageLimit, new.page.rawValue + 1)
    var rest = new.accesses
    while rest > 0 {
      let part = min(rest, 65535)
      rest -= part
      try append(Run(page: new.page, accesses: part, vcpu: new.vcpu), new.kind, linear: linear, count: new.count)
    }
  }

  private mutating func append(_ run: Run, _ kind: RecordedAccesses.Kind, linear: UInt64, count: UInt64)
    throws(WriterFlaw)
  {
    // Without stores no run opens, and no block would end.
    if max(draft?.loads.words.count ?? 0, draft?.fetches.words.count ?? 0) >= RecordingFormat.maximumAccessRuns {
      try flush()
    }
    guard let draft else { return }
    let place = runs + draft.events.count
    switch kind {
    case .load:
      draft.loads.append(run.rawValue, linearPage: linear, count: count, place: place)
      totals.loads?.count(run)
    case .fetch:
      draft.fetches.append(run.rawValue, linearPage: linear, count: count, place: place)
      totals.fetches?.count(run)
    }
  }

  private func flaw(vcpu: Int, count: UInt64, gpa: UInt64, size: Int) -> Flaw {
    guard vcpu >= 0, vcpu < RecordingFormat.maximumVCPUs else {
      return Flaw(found: "vCPU \(vcpu)", expected: "0 to \(RecordingFormat.maximumVCPUs - 1)")
    }
    guard size >= 1, size <= Place.maximumSize else {
      return Flaw(found: "size \(size)", expected: "1 to \(Place.maximumSize) bytes")
    }
    guard gpa >> 12 < RecordingFormat.maximumPages - 1 else {
      return Flaw(found: "guest-physical address \(hex(gpa))", expected: "an address below 16 TiB")
    }
    return Flaw(
      found: "instruction count \(count) of vCPU \(vcpu)",
      expected: "at least \(lastCounts.base[vcpu]), its count before, and below 2^62")
  }

  /// Guests of either paging depth are recorded.
  @inline(__always)
  private func isCanonical(_ address: UInt64) -> Bool { GuestLinearAddress(address).isCanonical(width: 57) }

  private mutating func flush(isLast: Bool = false) throws(WriterFlaw) {
    closeRun()
    guard let full = draft else { return }
    full.header.number = number
    full.header.firstWrite = firstWrite
    full.header.firstRun = firstRun
    full.header.firstEvent = firstEvent
    full.header.runs = runs
    full.header.accesses = accesses
    full.header.writes = writes
    full.header.events = full.events.count
    full.header.clocks = blockClocks
    number += 1
    firstWrite += UInt64(writes)
    firstRun += UInt64(runs)
    firstEvent += UInt64(full.events.count)
    totals.writes += UInt64(writes)
    totals.accesses += UInt64(accesses)
    totals.runs += UInt64(runs)
    runs = 0
    accesses = 0
    writes = 0
    for vcpu in 0..<RecordingFormat.maximumVCPUs {
      blockClocks[vcpu] = lastCounts.base[vcpu]
      lastStarts.base[vcpu] = lastCounts.base[vcpu]
    }
    draft = nil
    do throws(RecordingError) { try pipeline.submit(full, isLast: isLast) } catch { throw .output(error) }
    if isLast { return }
    let next = pipeline.next()
    draft = next
    places = next.places.base
    steps = next.steps.base
  }

  /// Ends the last block; what the trace holds in all.
  mutating func finish() throws(WriterFlaw) -> RecordingHeader.Totals {
    closeRun()
    if runs > 0 || draft?.events.isEmpty == false || (draft.map { !$0.loads.isEmpty || !$0.fetches.isEmpty } ?? false) {
      try flush(isLast: true)
    }
    if let draft { pipeline.giveBack(draft) }
    draft = nil
    totals.vcpus = vcpus
    totals.instructions = (0..<vcpus).map { vcpu in
      lastAccesses.values.reduce(lastCounts.base[vcpu]) { max($0, $1[vcpu]) }
    }
    totals.pages = pages.count
    return totals
  }
}
