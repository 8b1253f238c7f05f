import Addresses
import Recordings

/// A part of a block that strategies replay in one go: its runs of stores and, where there are any, the loads and fetches between
/// them, as words that filter and first-level TLBs go by.
///
/// The word of a load or fetch is that of a run whose vCPU is the number of its first-level TLB
/// (``ModelledProcessors/tlb(of:on:vcpus:)``), so filter and loop are the same with such accesses and without.
struct Stretch {
  let words: UnsafeBufferPointer<Run>
  /// Which words.
  let range: Range<Int>
  /// The run before which all is replayed when this is.
  let endRun: Int
  /// For each word its run, or what it is instead; nil where words are the runs of the block.
  fileprivate let origins: UnsafePointer<UInt32>?

  /// Runs alone.
  init(runs range: Range<Int>, of words: UnsafeBufferPointer<Run>) {
    self.init(words: words, range: range, endRun: range.upperBound, origins: nil)
  }

  fileprivate init(
    words: UnsafeBufferPointer<Run>, range: Range<Int>, endRun: Int, origins: UnsafePointer<UInt32>?
  ) {
    self.words = words
    self.range = range
    self.endRun = endRun
    self.origins = origins
  }

  /// The run that a word is of; nil for a load or fetch.
  @inline(__always)
  func run(at word: Int) -> Int? {
    guard let origins else { return word }
    let origin = origins[word]
    return origin < Self.load ? Int(origin) : nil
  }

  /// What the word of a load or fetch is of: the kind, and the entry's number in its column.
  func access(at word: Int) -> (kind: RecordedAccessKind, entry: Int) {
    let origin = origins.map { $0[word] } ?? 0
    return origin < Self.fetch ? (.load, Int(origin - Self.load)) : (.fetch, Int(origin - Self.fetch))
  }

  /// Origins from here on are loads, and from there on fetches: a block has 2^21 runs of either at most.
  fileprivate static var load: UInt32 { 1 << 30 }
  fileprivate static var fetch: UInt32 { 1 << 31 }
}

/// Puts the loads and fetches of a block between its runs, in the order in which they are recorded.
struct AccessMerge: ~Copyable {
  private let vcpus: Int
  private var words = Storage(repeating: Run(rawValue: 0), count: 1)
  private var origins = Storage<UInt32>(repeating: 0, count: 1)
  private var nextLoad = 0
  private var nextFetch = 0

  /// For a recording of so many vCPUs.
  init(path: String, vcpus: Int) throws(ReplayError) {
    let limit = 256 / RecordedAccessKind.allCases.count
    guard vcpus <= limit else {
      throw ReplayError(
        "\(path): loads and fetches of \(vcpus) vCPUs, expected at most \(limit); leave them out with `gi-bench trace convert "
          + "--columns linear-pages`")
    }
    self.vcpus = vcpus
  }

  /// Begins a block.
  mutating func begin(_ block: RecordingBlock) {
    (nextLoad, nextFetch) = (0, 0)
    let needed = block.runs.count + block.loads.count + block.fetches.count
    guard needed > words.count else { return }
    words = Storage(repeating: Run(rawValue: 0), count: needed)
    origins = Storage(repeating: 0, count: needed)
  }

  /// The next runs of the block under their keys, and the accesses that stand before them or behind them, up to so many runs and
  /// events of the block; valid until the next call. `linear` gives the keys of linear pages, in two dimensions.
  mutating func stretch(
    _ range: Range<Int>, upTo place: Int, of block: RecordingBlock, _ keys: UnsafeBufferPointer<Run>,
    _ linear: inout LinearRuns?, _ filter: borrowing RunFilter
  ) throws(ReplayError) -> Stretch {
    let (words, origins) = (words.base, origins.base)
    var count = 0
    for run in range {
      count = try take(before: run, upTo: place, of: block, at: count, &linear, filter)
      words[count] = keys[run]
      origins[count] = UInt32(truncatingIfNeeded: run)
      count += 1
    }
    count = try take(before: range.upperBound, upTo: place, of: block, at: count, &linear, filter)
    return Stretch(
      words: UnsafeBufferPointer(start: words, count: count), range: 0..<count, endRun: range.upperBound,
      origins: origins)
  }

  /// Puts what stands before a run and within so many records behind `count` words; how many there are then. At one place fetches
  /// come first.
  private mutating func take(
    before run: Int, upTo place: Int, of block: RecordingBlock, at start: Int,
    _ linear: inout LinearRuns?, _ filter: borrowing RunFilter
  ) throws(ReplayError) -> Int {
    let (words, origins) = (words.base, origins.base)
    var count = start
    func comes(_ entries: UnsafeBufferPointer<AccessRun>, _ next: Int) -> Int {
      guard next < entries.count, Int(entries[next].beforeRun) <= run, entries[next].place <= place else { return .max }
      return entries[next].place
    }
    while true {
      let (load, fetch) = (comes(block.loads, nextLoad), comes(block.fetches, nextFetch))
      guard min(load, fetch) < .max else { return count }
      let isFetch = fetch <= load
      let entry = isFetch ? block.fetches[nextFetch] : block.loads[nextLoad]
      let tlb = ModelledProcessors.tlb(of: isFetch ? .fetch : .load, on: entry.run.vcpu, vcpus: vcpus)
      let key = try linear?.key(of: entry, filter) ?? UInt32(truncatingIfNeeded: entry.run.page.rawValue)
      words[count] = Run(
        rawValue: UInt64(key) | entry.run.rawValue & 0xffff << 32 | UInt64(tlb) << 48)
      origins[count] =
        isFetch
        ? Stretch.fetch + UInt32(truncatingIfNeeded: nextFetch) : Stretch.load + UInt32(truncatingIfNeeded: nextLoad)
      if isFetch { nextFetch += 1 } else { nextLoad += 1 }
      count += 1
    }
  }
}
