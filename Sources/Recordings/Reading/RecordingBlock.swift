import Addresses

/// The decoded columns of one block; used again for the next, so that reading allocates nothing once it is warm.
///
/// Filled by `RecordingReader.read`. One thread at a time; it may be handed from a thread that decodes to one that uses it.
/// Everything in it was checked when it was decoded: pages and vCPUs lie within the header's totals, runs hold as many accesses
/// as the detail columns, places lie in their page.
public final class RecordingBlock: @unchecked Sendable {
  /// Which block of the trace this is; nil before the first was read.
  public private(set) var number: Int?
  /// The runs, valid until the next block is read.
  @exclusivity(unchecked) public private(set) var runs = UnsafeBufferPointer<Run>(start: nil, count: 0)
  /// The events, in order; each stands before the run it names.
  public private(set) var events: [PlacedEvent] = []
  /// For each run, the instruction count of its first access on its vCPU (`.clocks`).
  @exclusivity(unchecked) public private(set) var clocks = UnsafeBufferPointer<UInt64>(start: nil, count: 0)
  /// For each run, its linear page number (`.linearPages`).
  @exclusivity(unchecked) public private(set) var linearPages = UnsafeBufferPointer<UInt64>(start: nil, count: 0)
  /// The loads, in order, each with its place between runs and events (`.loads`).
  @exclusivity(unchecked) public private(set) var loads = UnsafeBufferPointer<AccessRun>(start: nil, count: 0)
  /// The fetches of instructions, likewise (`.fetches`).
  @exclusivity(unchecked) public private(set) var fetches = UnsafeBufferPointer<AccessRun>(start: nil, count: 0)
  /// The columns that are decoded.
  @exclusivity(unchecked) public private(set) var loaded: RecordingColumns = []

  private var reader: RecordingReader?
  private let decompressor = ZstandardDecompressor()
  private var stored = ColumnBuffer()
  private var scratch = ColumnBuffer()
  private var runWords = ColumnBuffer()
  private var clockWords = ColumnBuffer()
  private var linearWords = ColumnBuffer()
  @exclusivity(unchecked) private var runIndex = RunIndex()
  @exclusivity(unchecked) private var clockColumn = ClockColumn()
  @exclusivity(unchecked) private var places = PlaceColumn()
  /// How often pages were asked for whose places were not decoded.
  private var placesAsked = 0
  private static let placesAskedAtMost = 4
  private var loadWords = ColumnBuffer()
  private var fetchWords = ColumnBuffer()
  private var accessLinearWords = ColumnBuffer()
  @exclusivity(unchecked) private var stepBytes = ColumnBuffer()
  @exclusivity(unchecked) private var pointerWords = ColumnBuffer()
  @exclusivity(unchecked) private var valueBytes = ColumnBuffer()
  @exclusivity(unchecked) private var valueStarts = ColumnBuffer()
  @exclusivity(unchecked) private var wideSteps: [NarrowException] = []
  private let linear = LinearPages()
  private let pointers = InstructionPointers()

  /// An empty buffer.
  public init() {}

  /// Decodes one more column of this block, if that has not happened yet.
  public func load(_ column: RecordingColumn) throws(RecordingError) {
    if loaded.contains(RecordingColumns(column)) { return }
    // Entries of these columns stand between runs and events.
    if RecordingColumns.ofVersion2.contains(RecordingColumns(column)) { try load(.events) }
    if column == .places {
      places.pages.insertAll()
      try decodePlaces()
    } else if column == .clocks {
      try expandClocks()
    } else {
      try read(column)
    }
    loaded.insert(RecordingColumns(column))
  }

  private func read(_ column: RecordingColumn) throws(RecordingError) {
    guard let reader, let number else { preconditionFailure("no block was read") }
    guard let (offset, entry) = reader.locate(column, of: number) else {
      throw RecordingError(
        .format, file: reader.name, block: number, column: column, found: "no such column",
        expected: "a trace that has it", remedy: "record or convert it with `--columns \(column.name)`")
    }
    let source = stored.bytes(entry.storedBytes)
    try reader.file.read(at: offset, into: source)
    let sum = checksum(UnsafeRawBufferPointer(source))
    guard sum == entry.checksum else {
      throw damage(column, offset, Flaw(found: "checksum \(hex(sum))", expected: hex(entry.checksum)))
    }
    let target = decoded(column, entry.decodedBytes)
    if let flaw = decompressor.decompress(UnsafeRawBufferPointer(source), into: target) {
      throw damage(column, offset, flaw)
    }
    if let flaw = accept(column, UnsafeRawBufferPointer(target), reader, reader.blocks[number]) {
      throw damage(column, nil, flaw)
    }
  }

  /// Decodes the places of every run on a selected page.
  private func decodePlaces() throws(RecordingError) {
    do throws(RecordingError) {
      if !places.isFilled { try read(.places) }
      if let flaw = places.decode(runs: runs, index: &runIndex) { throw damage(.places, nil, flaw) }
    } catch {
      places.pages.removeAll()
      throw error
    }
  }

  private func expandClocks() throws(RecordingError) {
    if !clockColumn.isFilled { try read(.clocks) }
    let target = clockWords.bytes(8 * runs.count).bindMemory(to: UInt64.self)
    if let base = target.baseAddress, let words = words.baseAddress { clockColumn.expand(into: base, words: words) }
    clocks = UnsafeBufferPointer(target)
  }

  /// The runs as words.
  private var words: UnsafeBufferPointer<UInt64> {
    UnsafeBufferPointer(
      start: UnsafeRawPointer(runs.baseAddress)?.assumingMemoryBound(to: UInt64.self), count: runs.count)
  }

  func start(reader: RecordingReader, number: Int) throws(RecordingError) {
    self.reader = reader
    self.number = number
    loaded = []
    runs = UnsafeBufferPointer(start: nil, count: 0)
    clocks = UnsafeBufferPointer(start: nil, count: 0)
    linearPages = UnsafeBufferPointer(start: nil, count: 0)
    loads = UnsafeBufferPointer(start: nil, count: 0)
    fetches = UnsafeBufferPointer(start: nil, count: 0)
    events.removeAll(keepingCapacity: true)
    clockColumn.removeAll()
    places.removeAll()
    placesAsked = 0
    try load(.runs)
  }

  private func damage(_ column: RecordingColumn, _ offset: UInt64?, _ flaw: Flaw) -> RecordingError {
    RecordingError(
      .damaged, file: reader?.name ?? "", block: number, column: column, offset: offset, found: flaw.found,
      expected: flaw.expected,
      remedy: "copy or record the file anew, or read its whole blocks with `gi-bench trace convert --salvage`")
  }

  private func decoded(_ column: RecordingColumn, _ count: Int) -> UnsafeMutableRawBufferPointer {
    switch column {
    case .runs: runWords.bytes(count)
    case .places: places.bytes(count)
    case .steps: stepBytes.bytes(count)
    case .values: valueBytes.bytes(count)
    case .clocks: clockColumn.bytes(count)
    case .linearPages, .instructionPointers, .events, .loads, .fetches: scratch.bytes(count)
    }
  }

  /// Checks a column, and expands it where that is needed; what is wrong with it, nil if nothing is.
  private func accept(
    _ column: RecordingColumn, _ bytes: UnsafeRawBufferPointer, _ reader: RecordingReader, _ block: BlockHeader
  ) -> Flaw? {
    switch column {
    case .runs:
      let words = bytes.bindMemory(to: UInt64.self)
      if let flaw = RunValidation.flaw(in: words, block: block, totals: reader.header.totals, index: &runIndex) {
        return flaw
      }
      runs = bytes.bindMemory(to: Run.self)
      return nil
    case .clocks:
      return clockColumn.accept(bytes, words: words, starts: block.clocks, vcpus: reader.header.totals.vcpus)
    case .places:
      return places.accept(bytes, accesses: block.accesses)
    case .steps:
      let count = block.accesses - block.runs
      var tail = ByteReader(bytes, from: count)
      guard NarrowColumn.decode(&tail, count: count, into: &wideSteps),
        wideSteps.allSatisfy({ $0.value < RecordingFormat.maximumCount })
      else { return .badExceptions }
      let escapes = bytes[..<count].reduce(0) { $0 &+ ($1 == NarrowColumn.stepEscape ? 1 : 0) }
      guard escapes == wideSteps.count, wideSteps.allSatisfy({ bytes[Int($0.index)] == NarrowColumn.stepEscape }) else {
        return .badExceptions
      }
      return nil
    case .linearPages:
      let target = linearWords.bytes(8 * block.runs).bindMemory(to: UInt64.self)
      var tail = ByteReader(bytes)
      guard let words = words.baseAddress, let base = target.baseAddress,
        linear.decode(&tail, runs: words, count: block.runs, into: base)
      else { return block.runs == 0 ? nil : Flaw(found: "a malformed list", expected: "a linear page for every run") }
      guard target.allSatisfy({ $0 < 1 << 52 }) else {
        return Flaw(found: "a linear page of 2^52 or more", expected: "52 bits")
      }
      linearPages = UnsafeBufferPointer(target)
      return nil
    case .instructionPointers:
      let target = pointerWords.bytes(8 * block.accesses).bindMemory(to: UInt64.self)
      var tail = ByteReader(bytes)
      guard let base = target.baseAddress, pointers.decode(&tail, count: block.accesses, into: base) else {
        return block.accesses == 0 ? nil : Flaw(found: "a malformed list", expected: "an address for every access")
      }
      return nil
    case .values: return indexValues(bytes, block)
    case .events:
      var coding = EventCoding(clocks: block.clocks, version: reader.version)
      var tail = ByteReader(bytes)
      while !tail.isAtEnd {
        switch coding.decode(&tail, runs: block.runs) {
        case .success(let event):
          guard event.run >= runs.count || !runs[event.run].isContinuation else {
            return Flaw(
              found: "an event before run \(event.run), a store's second part", expected: "none between two parts")
          }
          events.append(event)
        case .failure(let flaw): return flaw
        }
      }
      guard events.count == block.events else {
        return Flaw(found: "\(events.count) events", expected: "\(block.events)")
      }
      return nil
    case .loads: return expandAccesses(bytes, reader.header, into: &loadWords) { loads = $0 }
    case .fetches: return expandAccesses(bytes, reader.header, into: &fetchWords) { fetches = $0 }
    }
  }

  private func expandAccesses(
    _ bytes: UnsafeRawBufferPointer, _ header: RecordingHeader, into words: inout ColumnBuffer,
    _ take: (UnsafeBufferPointer<AccessRun>) -> Void
  ) -> Flaw? {
    guard let count = AccessColumn.entries(of: bytes) else {
      return Flaw(
        found: "fewer bytes than its entries take", expected: "\(RecordingFormat.maximumAccessRuns) entries at most")
    }
    let target = words.bytes(MemoryLayout<AccessRun>.stride * count).bindMemory(to: AccessRun.self)
    guard let pages = accessLinearWords.bytes(8 * count).bindMemory(to: UInt64.self).baseAddress else { return nil }
    let surroundings = AccessColumn.Surroundings(
      runs: runs, events: events, totals: header.totals, hasLinear: header.columnSet.contains(.linearPages))
    let flaw = AccessColumn.decode(bytes, beside: surroundings, linear: linear, linearPages: pages, into: target)
    if flaw == nil { take(UnsafeBufferPointer(target)) }
    return flaw
  }

  private func indexValues(_ bytes: UnsafeRawBufferPointer, _ block: BlockHeader) -> Flaw? {
    let starts = valueStarts.bytes(4 * block.accesses).bindMemory(to: UInt32.self)
    var next = block.accesses
    for access in 0..<block.accesses {
      guard bytes[access] <= 16 else { return Flaw(found: "a value of \(bytes[access]) bytes", expected: "at most 16") }
      starts[access] = UInt32(next)
      next += Int(bytes[access])
    }
    return next == bytes.count
      ? nil : Flaw(found: "\(bytes.count) bytes", expected: "\(next), as the lengths add up to")
  }

  // MARK: - Details

  /// The accesses of a run, one by one; decodes `.places` if that has not happened yet, and nothing else.
  ///
  /// Where `pages` are given, only of runs on these pages and on this run's: what nobody asks for is not decoded, and not
  /// checked either. Each page asked for that is not among `pages` costs a look through the block's runs, so that after a
  /// few of them everything is decoded.
  public func accesses(ofRun run: Int, among pages: PageSelection? = nil) throws(RecordingError) -> RunAccesses {
    if !hasPlaces(ofRun: run) {
      placesAsked += 1
      if let pages, placesAsked <= Self.placesAskedAtMost {
        places.pages.formUnion(pages)
        places.pages.insert(PageRange(page: runs[run].page))
        try decodePlaces()
      } else {
        try load(.places)
      }
    }
    return RunAccesses(block: self, run: run, first: firstAccess(ofRun: run), count: runs[run].accesses)
  }

  /// Whether the places of a run's accesses are decoded.
  public func hasPlaces(ofRun run: Int) -> Bool {
    precondition(run >= 0 && run < runs.count, "no such run")
    return places.pages.contains(runs[run])
  }

  /// How many accesses of the block lie before a run.
  public func firstAccess(ofRun run: Int) -> Int { count(before: run).accesses }

  /// How many writes of the block lie before a run: the accesses without the continuations.
  public func firstWrite(ofRun run: Int) -> Int {
    let (accesses, continuations) = count(before: run)
    return accesses - continuations
  }

  private func count(before run: Int) -> (accesses: Int, continuations: Int) {
    precondition(run >= 0 && run < runs.count, "no such run")
    guard let words = words.baseAddress else { return (0, 0) }
    return runIndex.count(before: run, in: words)
  }

  /// Whether ``clock(ofRun:)`` need not read the file or go through many runs.
  public func hasClock(ofRun run: Int) -> Bool { clockColumn.isNear(run) }

  /// The instruction count of a run's first access on its vCPU; decodes no more of `.clocks` than that takes.
  public func clock(ofRun run: Int) throws(RecordingError) -> UInt64 {
    precondition(run >= 0 && run < runs.count, "no such run")
    if !clockColumn.isFilled { try read(.clocks) }
    guard let words = words.baseAddress else { return 0 }
    return clockColumn.clock(ofRun: run, in: words)
  }

  func place(_ access: Int) -> Place { places[access] }

  func step(_ index: Int) -> UInt64 {
    let step = stepBytes.load(index, as: UInt8.self)
    return step == NarrowColumn.stepEscape ? wideSteps.value(at: index) ?? 0 : UInt64(step)
  }

  func instructionPointer(_ access: Int) -> UInt64 { pointerWords.load(access, as: UInt64.self) }

  func value(_ access: Int) -> (length: Int, low: UInt64, high: UInt64) {
    let length = Int(valueBytes.load(access, as: UInt8.self))
    let start = Int(valueStarts.load(access, as: UInt32.self))
    var words: (UInt64, UInt64) = (0, 0)
    for index in 0..<length {
      let byte = UInt64(valueBytes.load(start + index, as: UInt8.self)) << UInt64(8 * (index & 7))
      if index < 8 { words.0 |= byte } else { words.1 |= byte }
    }
    return (length, words.0, words.1)
  }
}

extension Flaw {
  static let badExceptions = Flaw(
    found: "a malformed list of exceptions", expected: "one for each escape, in ascending order")
}
