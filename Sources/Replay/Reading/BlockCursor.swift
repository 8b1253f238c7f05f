import Recordings

/// Where in a block a replay is: gives a noticed store its number in the recording, its place in its page, and its time.
struct BlockCursor {
  let block: RecordingBlock
  let runs: UnsafeBufferPointer<Run>
  /// The runs under the keys that translation caches know them by; the block's own in one dimension.
  let keys: UnsafeBufferPointer<Run>
  private let monitored: PageSelection
  private let stopwatch: Stopwatch
  /// Number of the first store, in the whole recording.
  let firstWrite: UInt64

  init(
    block: RecordingBlock, keys: UnsafeBufferPointer<Run>? = nil, monitored: PageSelection, firstWrite: UInt64,
    stopwatch: Stopwatch
  ) {
    self.block = block
    runs = block.runs
    self.keys = keys ?? runs
    self.monitored = monitored
    self.stopwatch = stopwatch
    self.firstWrite = firstWrite
  }

  /// The number, in the whole recording, of the store that an access belongs to: the second part of a page-crossing store has the first part's.
  func storeNumber(ofAccess access: Int, inRun index: Int) -> UInt64 {
    firstWrite + UInt64(block.firstWrite(ofRun: index) + access) - (runs[index].isContinuation ? 1 : 0)
  }

  /// The number, in the whole recording, of the first store behind all runs before this one; it may be the block's end.
  func storeNumber(beforeRun index: Int) -> UInt64 {
    guard index >= runs.count, let last = runs.last else {
      return index < runs.count ? storeNumber(ofAccess: 0, inRun: index) : firstWrite
    }
    return firstWrite + UInt64(block.firstWrite(ofRun: runs.count - 1) + last.writes)
  }

  /// The accesses of a run with their places; those of all monitored pages are decoded when one is first asked for.
  func accesses(ofRun index: Int) throws(RecordingError) -> RunAccesses {
    if block.hasPlaces(ofRun: index) { return try block.accesses(ofRun: index) }
    return try stopwatch.share { () throws(RecordingError) in try block.accesses(ofRun: index, among: monitored) }
  }

  /// Instructions that its vCPU had retired at the first store of a run, decoded from the file when first asked for.
  func clock(ofRun index: Int) throws(RecordingError) -> UInt64 {
    if block.hasClock(ofRun: index) { return try block.clock(ofRun: index) }
    return try stopwatch.share { () throws(RecordingError) in try block.clock(ofRun: index) }
  }

  /// Whether a run's last access is the first part of a page-crossing store.
  func endsInCrossing(_ index: Int) -> Bool {
    index + 1 < runs.count && runs[index + 1].isContinuation
  }
}
