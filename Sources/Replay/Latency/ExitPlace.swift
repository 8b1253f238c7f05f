import Recordings

/// Where in a recording a vCPU exits.
struct ExitPlace {
  let vcpu: Int
  /// The run that exits, or the run before which the vCPU exits.
  let run: Int
  /// Instructions that the vCPU has retired.
  let clock: UInt64
  /// The number of the block's first store, which tells blocks apart.
  private let block: UInt64
  private let runs: UnsafeBufferPointer<Run>
  private let footprint: GuestFootprint

  init(_ vcpu: Int, run: Int, clock: UInt64, in cursor: BlockCursor, _ footprint: GuestFootprint) {
    (self.vcpu, self.run, self.clock) = (vcpu, run, clock)
    block = cursor.firstWrite
    runs = cursor.runs
    self.footprint = footprint
  }

  /// Distinct pages that the vCPU stored to since an earlier exit; of earlier blocks nothing is known any more, so that it is a
  /// lower bound.
  func pages(since earlier: ExitPlace) -> Int {
    let start = earlier.block == block ? earlier.run + 1 : 0
    return start < run ? footprint.pages(on: vcpu, start, run, of: runs) : 0
  }
}
