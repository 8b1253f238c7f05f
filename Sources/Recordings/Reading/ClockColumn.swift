/// The clocks of a block: as the file has them, one step a run, and added up where somebody asks.
///
/// Each vCPU's clock is kept at every ``stride``th run, up to the last that anybody asked about; a replay asks about the few
/// runs that it notices.
struct ClockColumn: ~Copyable {
  private static let stride = 128
  private var stored = ColumnBuffer()
  private var exceptions: [NarrowException] = []
  private var runs = 0
  private var vcpus = 0
  /// At each `stride`th run the clock of each vCPU before it.
  private var rows = ColumnBuffer()
  /// How many rows there are, and the first exception behind them.
  private var filled = (rows: 0, exceptions: 0)
  /// What was asked for last.
  private var latest: (run: Int, clock: UInt64)?

  /// Whether the block's column was read.
  var isFilled: Bool { stored.isFilled }

  /// Forgets the block.
  mutating func removeAll() { stored.isFilled = false }

  /// Where the column's decompressed bytes go.
  mutating func bytes(_ count: Int) -> UnsafeMutableRawBufferPointer { stored.bytes(count) }

  /// Takes the bytes; what is wrong with them. `words` are the block's runs, `starts` each vCPU's clock before them.
  mutating func accept(
    _ bytes: UnsafeRawBufferPointer, words: UnsafeBufferPointer<UInt64>, starts: [UInt64], vcpus: Int
  ) -> Flaw? {
    (runs, self.vcpus) = (words.count, vcpus)
    var tail = ByteReader(bytes, from: 2 * runs)
    guard NarrowColumn.decode(&tail, count: runs, into: &exceptions) else { return .badExceptions }
    let narrow = UnsafeRawBufferPointer(rebasing: bytes[..<(2 * runs)]).bindMemory(to: UInt16.self)
    var escapes = 0
    for step in narrow { escapes &+= step == NarrowColumn.clockEscape ? 1 : 0 }
    guard escapes == exceptions.count else { return .badExceptions }
    // What narrow steps add is less than 2^48, so nothing wraps if the exceptions' sums do not.
    var clocks = (0..<vcpus).map { $0 < starts.count ? starts[$0] : 0 }
    for exception in exceptions {
      let vcpu = Self.vcpu(of: words[Int(exception.index)])
      guard narrow[Int(exception.index)] == NarrowColumn.clockEscape,
        exception.value < RecordingFormat.maximumCount,
        clocks[vcpu] + exception.value < RecordingFormat.maximumCount
      else { return .badExceptions }
      clocks[vcpu] += exception.value
    }
    let row = rows.bytes(8 * vcpus * (runs / Self.stride + 1)).bindMemory(to: UInt64.self)
    for vcpu in 0..<vcpus { row[vcpu] = vcpu < starts.count ? starts[vcpu] : 0 }
    (filled, latest) = ((1, 0), nil)
    stored.isFilled = true
    return nil
  }

  /// Whether the clock at a run is known without a walk through many.
  func isNear(_ run: Int) -> Bool { isFilled && run / Self.stride < filled.rows }

  /// The clock of its vCPU at a run of a block with these words.
  mutating func clock(ofRun run: Int, in words: UnsafePointer<UInt64>) -> UInt64 {
    if let latest, latest.run == run { return latest.clock }
    guard let narrow = stored.base?.assumingMemoryBound(to: UInt16.self),
      let rows = rows.base?.assumingMemoryBound(to: UInt64.self)
    else { return 0 }
    let row = run / Self.stride
    while filled.rows <= row { addRow(rows, words, narrow) }
    let vcpu = Self.vcpu(of: words[run])
    let start = row * Self.stride
    var clock = rows[row * vcpus + vcpu]
    for index in start...run where Self.vcpu(of: words[index]) == vcpu { clock &+= UInt64(narrow[index]) }
    var next = exceptions.firstIndex(notBefore: start)
    while next < exceptions.count, Int(exceptions[next].index) <= run {
      let exception = exceptions[next]
      if Self.vcpu(of: words[Int(exception.index)]) == vcpu { clock &+= exception.value &- Self.escape }
      next += 1
    }
    latest = (run, clock)
    return clock
  }

  /// Adds up the runs behind the last row. Mostly they are all of one vCPU.
  private mutating func addRow(
    _ rows: UnsafeMutablePointer<UInt64>, _ words: UnsafePointer<UInt64>, _ narrow: UnsafePointer<UInt16>
  ) {
    let start = (filled.rows - 1) * Self.stride
    let words = words + start
    let narrow = narrow + start
    let row = rows + filled.rows * vcpus
    row.update(from: row - vcpus, count: vcpus)
    var differences: UInt64 = 0
    for index in 0..<Self.stride { differences |= words[index] ^ words[0] }
    if differences >> 48 & 0xff == 0 {
      var sum: UInt32 = 0
      for index in 0..<Self.stride { sum &+= UInt32(narrow[index]) }
      row[Self.vcpu(of: words[0])] &+= UInt64(sum)
    } else {
      for index in 0..<Self.stride { row[Self.vcpu(of: words[index])] &+= UInt64(narrow[index]) }
    }
    while filled.exceptions < exceptions.count, Int(exceptions[filled.exceptions].index) < start + Self.stride {
      let exception = exceptions[filled.exceptions]
      row[Self.vcpu(of: words[Int(exception.index) - start])] &+= exception.value &- Self.escape
      filled.exceptions += 1
    }
    filled.rows += 1
  }

  /// The clock at every run.
  func expand(into clocks: UnsafeMutablePointer<UInt64>, words: UnsafePointer<UInt64>) {
    guard let narrow = stored.base?.assumingMemoryBound(to: UInt16.self),
      let row = rows.base?.assumingMemoryBound(to: UInt64.self)
    else { return }
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: RecordingFormat.maximumVCPUs) { last in
      for vcpu in 0..<RecordingFormat.maximumVCPUs { last[vcpu] = vcpu < vcpus ? row[vcpu] : 0 }
      var next = 0
      for run in 0..<runs {
        let vcpu = Self.vcpu(of: words[run])
        var step = UInt64(narrow[run])
        if narrow[run] == NarrowColumn.clockEscape {
          step = exceptions[next].value
          next += 1
        }
        last[vcpu] &+= step
        clocks[run] = last[vcpu]
      }
    }
  }

  private static let escape = UInt64(NarrowColumn.clockEscape)

  @inline(__always)
  private static func vcpu(of word: UInt64) -> Int { Int(truncatingIfNeeded: word &>> 48 & 0xff) }
}
