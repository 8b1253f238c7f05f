import Addresses

/// What a trace consists of: pages, runs, the working set over time, the hottest pages, and what hits which region.
public struct RecordingStatistics: Encodable, Sendable {
  /// A slice of the recording, all with the same number of stores but the last.
  public struct Slice: Encodable, Sendable {
    /// Stores before it.
    public var firstWrite: UInt64
    /// Stores in it.
    public var writes: UInt64
    /// Runs that end in it.
    public var runs: UInt64
    /// Distinct pages stored to: the working set.
    public var pages: UInt64
    /// Pages that no slice before stored to.
    public var newPages: UInt64
  }

  /// One page.
  public struct HotPage: Encodable, Sendable {
    /// The guest page number; of a log of virtual addresses the linear page.
    public var page: UInt64
    /// Accesses to it.
    public var accesses: UInt64
    /// Runs on it.
    public var runs: UInt64
    /// The symbols that most stores to it touch, at most three.
    public var symbols: [String]
    /// Those, with stores and offsets.
    public var targets: [StoreTarget]
  }

  /// What hits a region: all ranges of one id and name together.
  public struct RegionHits: Encodable, Sendable {
    /// The region's id.
    public var id: UInt64
    /// The region's name.
    public var name: String
    /// Pages that hold a byte of it.
    public var pages: UInt64
    /// Accesses to those pages: what protection by pages notices.
    public var byPage: UInt64
    /// Accesses that touch a byte of the region.
    public var exact: UInt64
  }

  /// How often runs have so many accesses.
  public struct RunLength: Encodable, Sendable {
    /// The least number of accesses, a power of two.
    public var atLeast: Int
    /// Runs with that many or more, below the next power.
    public var runs: UInt64
  }

  /// Stores counted.
  public private(set) var writes: UInt64 = 0
  /// Runs counted.
  public private(set) var runs: UInt64 = 0
  /// Distinct pages.
  public private(set) var pages: UInt64 = 0
  /// The working set over time.
  public private(set) var slices: [Slice] = []
  /// Lengths of runs.
  public private(set) var runLengths: [RunLength] = []
  /// The pages with the most accesses, most first.
  public private(set) var hottest: [HotPage] = []
  /// What follows from the recording's origin; nil where nothing does.
  public private(set) var cautions: [String]?
  /// What hits the regions of the header.
  public private(set) var regions: [RegionHits] = []

  /// Counts a whole trace, or what follows the first mark of a name.
  public init(
    _ reader: RecordingReader, slices wanted: UInt64 = 20, hottest most: Int = 20, from mark: String? = nil
  ) throws(RecordingError) {
    let recording = reader.header.recording
    var awaited: UInt64?
    if let mark {
      awaited = recording.marks.first { $0.name == mark }?.id
      guard awaited != nil else {
        throw RecordingError(
          .input, file: reader.name, found: "no mark named \"\(mark)\"", expected: "one of the marks of this trace",
          remedy: "list them with `gi-bench trace info`")
      }
    }
    var counter = Counter(recording)
    var left = reader.header.totals.writes
    try Self.forEachRun(of: reader, after: awaited) { (run, block, isAwaited) throws(RecordingError) in
      if isAwaited {
        left -= min(left, UInt64(block.runs[run].writes))
      } else {
        if counter.runs == 0 { counter.sliceWrites = max(left / max(wanted, 1), 1) }
        try counter.take(run, of: block)
      }
    }
    counter.closeSlice()
    writes = counter.writes
    runs = counter.runs
    pages = counter.everything.count
    slices = counter.slices
    runLengths = counter.lengths.indices.filter { counter.lengths[$0] > 0 }
      .map { RunLength(atLeast: 1 << $0, runs: counter.lengths[$0]) }
    let truePages = try TruePages(reader)
    let most = counter.pages.sorted { ($1.value.accesses, $0.key) < ($0.value.accesses, $1.key) }.prefix(most)
    let targets = try Self.targets(on: most.map { GuestPageNumber($0.key) }, of: reader, after: awaited, truePages)
    hottest = most.map { page, counted in
      let here = targets[GuestPageNumber(page)] ?? []
      return HotPage(
        page: truePages?[page] ?? page, accesses: counted.accesses, runs: counted.runs,
        symbols: here.compactMap(\.symbol), targets: here)
    }
    regions = counter.regions
    let all = recording.cautions
    cautions = all.isEmpty ? nil : all
  }

  /// What stores to these pages begin in: one more pass, which decodes the places of these pages alone.
  private static func targets(
    on pages: [GuestPageNumber], of reader: RecordingReader, after mark: UInt64?, _ truePages: TruePages?
  ) throws(RecordingError) -> [GuestPageNumber: [StoreTarget]] {
    let symbols = reader.header.recording.symbols
    guard !pages.isEmpty, !symbols.isEmpty else { return [:] }
    var targets = StoreTargets(SymbolTable(truePages?.placed(symbols) ?? symbols))
    let selection = PageSelection()
    for page in pages { selection.insert(PageRange(page: page)) }
    let wanted = Set(pages)
    try forEachRun(of: reader, after: mark) { (run, block, isAwaited) throws(RecordingError) in
      // The second part of a store has been counted on the page it begins on.
      guard !isAwaited, wanted.contains(block.runs[run].page), !block.runs[run].isContinuation else { return }
      let accesses = try block.accesses(ofRun: run, among: selection)
      for index in accesses.indices { targets.add(accesses.address(index), bytes: accesses[index].size) }
    }
    return targets.byPage(most: 3)
  }

  /// Hands out the runs in order, with whether the mark is still awaited.
  private static func forEachRun(
    of reader: RecordingReader, after mark: UInt64?,
    _ body: (Int, RecordingBlock, _ isAwaited: Bool) throws(RecordingError) -> Void
  ) throws(RecordingError) {
    var awaited = mark
    let block = RecordingBlock()
    for number in reader.blocks.indices {
      try reader.read(block: number, into: block)
      var next = 0
      for run in block.runs.indices {
        while awaited != nil, next < block.events.count, block.events[next].run <= run {
          if case .mark(let mark) = block.events[next].event, mark.id == awaited { awaited = nil }
          next += 1
        }
        try body(run, block, awaited != nil)
      }
    }
  }

  private struct Counter {
    struct Page {
      var accesses: UInt64 = 0
      var runs: UInt64 = 0

      mutating func add(_ more: Int) {
        accesses += UInt64(more)
        runs += 1
      }
    }

    var writes: UInt64 = 0
    var runs: UInt64 = 0
    var pages: [UInt64: Page] = [:]
    let everything = PageSet()
    var slices: [Slice] = []
    var lengths = [UInt64](repeating: 0, count: 17)
    var regions: [RegionHits]
    /// The byte ranges of each region, by address; they may overlap.
    private let bytes: [[ClosedRange<UInt64>]]
    /// The pages of every range, so that a page finds its regions at once.
    private let places: IntervalIndex
    private var regionsOfPage: [UInt64: [Int]] = [:]
    /// Stores of a slice.
    var sliceWrites: UInt64 = 1
    private var slice = Slice(firstWrite: 0, writes: 0, runs: 0, pages: 0, newPages: 0)
    private let slicePages = PageSet()

    init(_ recording: RecordingDescription) {
      // A region of no bytes, or beyond what a trace can hold, is hit by nothing.
      let valid = recording.regions.filter { $0.bytes > 0 && $0.gpa < 1 << 44 && $0.bytes < 1 << 44 }
      struct Key: Hashable {
        var id: UInt64
        var name: String
      }
      var ranges: [[ClosedRange<UInt64>]] = []
      var hits: [RegionHits] = []
      var known: [Key: Int] = [:]
      for region in valid.sorted(by: { $0.gpa < $1.gpa }) {
        let range = region.gpa...region.gpa + region.bytes - 1
        if let index = known[Key(id: region.id, name: region.name)] {
          ranges[index].append(range)
        } else {
          known[Key(id: region.id, name: region.name)] = hits.count
          hits.append(RegionHits(id: region.id, name: region.name, pages: 0, byPage: 0, exact: 0))
          ranges.append([range])
        }
      }
      for index in hits.indices { hits[index].pages = Self.pages(of: ranges[index]) }
      let owned = ranges.indices.flatMap { owner in
        ranges[owner].map { (range: $0.lowerBound >> 12...$0.upperBound >> 12, owner: owner) }
      }
      places = IntervalIndex(owned)
      bytes = ranges.map(Self.joined)
      regions = hits
    }

    /// The same bytes as ranges that are apart from each other; they come by address.
    private static func joined(_ ranges: [ClosedRange<UInt64>]) -> [ClosedRange<UInt64>] {
      ranges.reduce(into: []) { joined, range in
        if let last = joined.last, range.lowerBound <= last.upperBound {
          joined[joined.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
        } else {
          joined.append(range)
        }
      }
    }

    /// Whether ranges that are apart, by address, hold one of these bytes.
    private static func touch(_ ranges: [ClosedRange<UInt64>], _ bytes: ClosedRange<UInt64>) -> Bool {
      let index = ranges.partitioningIndex { $0.upperBound >= bytes.lowerBound }
      return index < ranges.count && ranges[index].lowerBound <= bytes.upperBound
    }

    /// How many pages hold a byte of these ranges, which come by address.
    private static func pages(of ranges: [ClosedRange<UInt64>]) -> UInt64 {
      var next: UInt64 = 0
      return ranges.reduce(0) { sum, range in
        let first = max(range.lowerBound >> 12, next)
        let end = max(range.upperBound >> 12 + 1, next)
        next = end
        return sum + (end - min(first, end))
      }
    }

    mutating func take(_ run: Int, of block: RecordingBlock) throws(RecordingError) {
      let word = block.runs[run]
      let page = word.page.rawValue
      runs += 1
      writes += UInt64(word.writes)
      slice.runs += 1
      slice.writes += UInt64(word.writes)
      lengths[Int.bitWidth - 1 - word.accesses.leadingZeroBitCount] += 1
      pages[page, default: Page()].add(word.accesses)
      if slicePages.insert(page), everything.insert(page) { slice.newPages += 1 }
      if slice.writes >= sliceWrites { closeSlice() }
      let hit = regions(on: page)
      if hit.isEmpty { return }
      let accesses = try block.accesses(ofRun: run)
      for region in hit {
        regions[region].byPage += UInt64(word.accesses)
        for index in accesses.indices {
          let first = accesses.address(index).rawValue
          let touched = first...first + UInt64(accesses[index].size) - 1
          if Self.touch(bytes[region], touched) { regions[region].exact += 1 }
        }
      }
    }

    private mutating func regions(on page: UInt64) -> [Int] {
      if let known = regionsOfPage[page] { return known }
      let here = Array(Set(places.owners(touching: page...page))).sorted()
      regionsOfPage[page] = here
      return here
    }

    mutating func closeSlice() {
      if slice.runs == 0 { return }
      slice.pages = slicePages.count
      slices.append(slice)
      slicePages.removeAll()
      slice = Slice(firstWrite: writes, writes: 0, runs: 0, pages: 0, newPages: 0)
    }
  }
}
