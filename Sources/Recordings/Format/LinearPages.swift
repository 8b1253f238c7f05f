import Addresses

/// How the linear pages of a block's runs lie in their column: only where the page of a run is not the linear page that this guest
/// page had when it was last seen. For each such run: runs since the last such run, then the difference of linear and guest page
/// as a difference to the last one written, both varints. A guest page not seen before in the block has its own number as linear page.
struct LinearPages: ~Copyable {
  /// What each guest page was last seen at; direct-mapped, so that memory is bounded whatever the pages are.
  private let pageTable = Storage<UInt32>(uninitialized: slots)
  private let linearTable = Storage<UInt64>(uninitialized: slots)
  private static let slots = 1 << 16

  private var pages: UnsafeMutablePointer<UInt32> { pageTable.base }
  private var linear: UnsafeMutablePointer<UInt64> { linearTable.base }

  /// Forgets the pages of these runs; of many, all pages.
  private func reset(_ runs: UnsafePointer<UInt64>, _ count: Int) {
    if count < Self.slots / 8 {
      for index in 0..<count { forget(Int(truncatingIfNeeded: runs[index]) & (Self.slots - 1)) }
    } else {
      for slot in 0..<Self.slots { forget(slot) }
    }
  }

  private func forget(_ slot: Int) {
    pages[slot] = UInt32(slot)
    linear[slot] = UInt64(slot)
  }

  func encode(
    runs: UnsafePointer<UInt64>, linearPages: UnsafePointer<UInt64>, count: Int, into writer: inout ByteWriter
  ) {
    reset(runs, count)
    let (pages, linear) = (pages, linear)
    var next = 0
    var difference: UInt64 = 0
    for run in 0..<count {
      let page = UInt32(truncatingIfNeeded: runs[run])
      let actual = linearPages[run]
      let slot = Int(page) & (Self.slots - 1)
      if pages[slot] == page, linear[slot] == actual { continue }
      pages[slot] = page
      linear[slot] = actual
      writer.appendVarint(UInt64(run - next))
      writer.appendZigzag(actual &- UInt64(page) &- difference)
      difference = actual &- UInt64(page)
      next = run + 1
    }
  }

  /// Fills in the linear page of every run; false when the column is malformed.
  func decode(
    _ reader: inout ByteReader, runs: UnsafePointer<UInt64>, count: Int, into linearPages: UnsafeMutablePointer<UInt64>
  ) -> Bool {
    reset(runs, count)
    let (pages, linear) = (pages, linear)
    var difference: UInt64 = 0
    var run = 0
    while run < count {
      var next = count
      if !reader.isAtEnd {
        guard let gap = reader.nextVarint(), gap < UInt64(count - run), let change = reader.nextZigzag() else {
          return false
        }
        next = run + Int(gap)
        difference &+= change
      }
      while run < next {
        let page = UInt32(truncatingIfNeeded: runs[run])
        let slot = Int(page) & (Self.slots - 1)
        guard pages[slot] == page else { return false }
        linearPages[run] = linear[slot]
        run += 1
      }
      if run < count {
        let page = UInt32(truncatingIfNeeded: runs[run])
        let slot = Int(page) & (Self.slots - 1)
        pages[slot] = page
        linear[slot] = UInt64(page) &+ difference
        linearPages[run] = linear[slot]
        run += 1
      }
    }
    return reader.isAtEnd
  }
}
