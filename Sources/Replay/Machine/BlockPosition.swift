import WriteTrace

/// Where in a block a replay is: gives a refused store its number in the recording and its place in its page.
struct BlockPosition {
  let block: TraceBlock
  /// The run, of this block, that continues a store judged whole with the part before, so that it is not judged again.
  var judgedContinuation: Int?
  private var run = 0
  private var writesBefore: UInt64

  init(block: TraceBlock, firstWrite: UInt64) {
    self.block = block
    writesBefore = firstWrite
  }

  /// The number, in the whole recording, of the first store of a run; runs are asked for in ascending order.
  mutating func firstWrite(ofRun index: Int) -> UInt64 {
    while run < index {
      writesBefore &+= UInt64(block.runs[run].writes)
      run += 1
    }
    return writesBefore
  }

  /// The accesses of a run with their places, decoded from the file when first asked for.
  func accesses(ofRun index: Int) throws(TraceError) -> RunAccesses {
    try block.load(.places)
    return try block.accesses(ofRun: index)
  }
}
