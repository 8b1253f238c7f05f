import Addresses

/// How the loads, or the fetches, of a block lie in their column:
///
/// ```
/// entries (u64), bytes of the list of wide gaps (u64), bytes of the list of wide clocks (u64),
/// for each entry: the run word (u64, `Run`),
/// for each entry: runs and events since the entry before (u8),
/// for each entry: instructions since the entry before of its vCPU in this block, or since its reset (u16),
/// what does not fit (`NarrowColumn`), then in a trace with linear pages those of the entries (`LinearPages`)
/// ```
enum AccessColumn {
  private static let frontBytes = 24
  private static let gapEscape: UInt8 = 0xff
  /// The widest entry: word, gap and clock, two exceptions of two varints each, a linear page of two more.
  private static let entryBytes: UInt64 = 8 + 1 + 2 + 20 + 20 + 20

  /// How many bytes a column can decode to.
  static let decodedBytes =
    UInt64(frontBytes)...UInt64(frontBytes) + entryBytes * UInt64(RecordingFormat.maximumAccessRuns)

  /// The entries of a block that is being written.
  struct Draft {
    private(set) var words: [UInt64] = []
    private var linearPages: [UInt64] = []
    private var gaps: [UInt8] = []
    private var clocks: [UInt16] = []
    private var wideGaps: [NarrowException] = []
    private var wideClocks: [NarrowException] = []
    private var lastPlace = 0
    /// The first entry that stands at the last place; the others of that place have no gap.
    private var firstThere = 0
    private var lastCounts: [UInt64] = []

    var isEmpty: Bool { words.isEmpty }

    /// Adds an entry behind `place` runs and events.
    mutating func append(_ word: UInt64, linearPage: UInt64, count: UInt64, place: Int) {
      let index = UInt32(words.count)
      let vcpu = Int(word >> 48 & 0xff)
      while lastCounts.count <= vcpu { lastCounts.append(0) }
      let (gap, step) = (place - lastPlace, count - lastCounts[vcpu])
      if gap > 0 || words.isEmpty { firstThere = words.count }
      if gap < Int(AccessColumn.gapEscape) {
        gaps.append(UInt8(gap))
      } else {
        gaps.append(AccessColumn.gapEscape)
        wideGaps.append(NarrowException(index: index, value: UInt64(gap)))
      }
      if step < UInt64(NarrowColumn.clockEscape) {
        clocks.append(UInt16(step))
      } else {
        clocks.append(NarrowColumn.clockEscape)
        wideClocks.append(NarrowException(index: index, value: step))
      }
      words.append(word)
      linearPages.append(linearPage)
      lastPlace = place
      lastCounts[vcpu] = count
    }

    /// Moves the entries at a place behind the run that opens there: nothing stands between the two parts of a store.
    mutating func moveOn(from place: Int) {
      guard !words.isEmpty, lastPlace == place else { return }
      lastPlace += 1
      if gaps[firstThere] == AccessColumn.gapEscape {
        wideGaps[wideGaps.count - 1].value += 1
      } else {
        gaps[firstThere] += 1
        if gaps[firstThere] == AccessColumn.gapEscape {
          wideGaps.append(NarrowException(index: UInt32(firstThere), value: UInt64(AccessColumn.gapEscape)))
        }
      }
    }

    mutating func removeAll() {
      words.removeAll(keepingCapacity: true)
      linearPages.removeAll(keepingCapacity: true)
      gaps.removeAll(keepingCapacity: true)
      clocks.removeAll(keepingCapacity: true)
      wideGaps.removeAll(keepingCapacity: true)
      wideClocks.removeAll(keepingCapacity: true)
      lastCounts.removeAll(keepingCapacity: true)
      lastPlace = 0
      firstThere = 0
    }

    /// Hands on the parts of the column.
    func withParts(hasLinear: Bool, _ body: ([UnsafeRawBufferPointer]) -> Void) {
      var (front, gapList, clockList, linear) = (ByteWriter(), ByteWriter(), ByteWriter(), ByteWriter())
      NarrowColumn.encode(wideGaps, into: &gapList)
      NarrowColumn.encode(wideClocks, into: &clockList)
      front.append(UInt64(words.count))
      front.append(UInt64(gapList.bytes.count))
      front.append(UInt64(clockList.bytes.count))
      if hasLinear, !words.isEmpty {
        let coding = LinearPages()
        words.withUnsafeBufferPointer { words in
          linearPages.withUnsafeBufferPointer { pages in
            guard let runs = words.baseAddress, let pages = pages.baseAddress else { return }
            coding.encode(runs: runs, linearPages: pages, count: words.count, into: &linear)
          }
        }
      }
      front.bytes.withUnsafeBytes { front in
        words.withUnsafeBytes { words in
          gaps.withUnsafeBytes { gaps in
            clocks.withUnsafeBytes { clocks in
              gapList.bytes.withUnsafeBytes { gapList in
                clockList.bytes.withUnsafeBytes { clockList in
                  linear.bytes.withUnsafeBytes { body([front, words, gaps, clocks, gapList, clockList, $0]) }
                }
              }
            }
          }
        }
      }
    }
  }

  /// What a column is decoded beside.
  struct Surroundings {
    var runs: UnsafeBufferPointer<Run>
    var events: [PlacedEvent]
    var totals: RecordingHeader.Totals
    var hasLinear: Bool
  }

  /// How many entries a column has; nil if it is too short for so many.
  static func entries(of bytes: UnsafeRawBufferPointer) -> Int? {
    var reader = ByteReader(bytes)
    guard let count = reader.next(UInt64.self), count <= UInt64(RecordingFormat.maximumAccessRuns),
      bytes.count >= frontBytes + 11 * Int(count)
    else { return nil }
    return Int(count)
  }

  /// Decodes the entries into `target`, which has room for all; what is wrong with them.
  static func decode(
    _ bytes: UnsafeRawBufferPointer, beside here: Surroundings, linear: borrowing LinearPages,
    linearPages: UnsafeMutablePointer<UInt64>,
    into target: UnsafeMutableBufferPointer<AccessRun>
  ) -> Flaw? {
    let count = target.count
    var front = ByteReader(bytes, from: 8)
    var tail = ByteReader(bytes, from: frontBytes + 11 * count)
    guard let base = bytes.baseAddress, let gapBytes = front.next(UInt64.self),
      let clockBytes = front.next(UInt64.self),
      let gapList = tail.skip(Int(clamping: gapBytes)), let clockList = tail.skip(Int(clamping: clockBytes))
    else { return Flaw(found: "lists beyond the end of the column", expected: "lists within it") }
    var wideGaps: [NarrowException] = []
    var wideClocks: [NarrowException] = []
    var (gapReader, clockReader) = (ByteReader(gapList), ByteReader(clockList))
    guard NarrowColumn.decode(&gapReader, count: count, into: &wideGaps),
      NarrowColumn.decode(&clockReader, count: count, into: &wideClocks)
    else { return .badExceptions }
    let words = (base + frontBytes).assumingMemoryBound(to: UInt64.self)
    if let flaw = runFlaw(words, count, here.totals) { return flaw }
    if here.hasLinear {
      guard linear.decode(&tail, runs: words, count: count, into: linearPages) else {
        return Flaw(found: "a malformed list", expected: "a linear page for every entry")
      }
      for index in 0..<count where linearPages[index] >> 52 != 0 {
        return Flaw(found: "a linear page of 2^52 or more", expected: "52 bits")
      }
    } else if !tail.isAtEnd {
      return Flaw(found: "\(tail.remaining) bytes more", expected: "none in a trace without linear pages")
    }
    for index in 0..<count {
      target[index] = AccessRun(
        run: Run(rawValue: words[index]), linearPage: here.hasLinear ? linearPages[index] : 0, count: 0, beforeRun: 0,
        beforeEvent: 0)
    }
    return place(target, by: base + frontBytes + 8 * count, wideGaps, here)
      ?? time(target, by: base + frontBytes + 9 * count, wideClocks, here.totals)
  }

  private static func runFlaw(_ words: UnsafePointer<UInt64>, _ count: Int, _ totals: RecordingHeader.Totals) -> Flaw? {
    for index in 0..<count {
      let run = Run(rawValue: words[index])
      guard run.rawValue >> 56 == 0, run.accesses > 0 else {
        return Flaw(found: "entry \(index) without accesses, or with unknown flags", expected: "1 to 65535 and none")
      }
      guard run.page.rawValue < totals.pageLimit, run.vcpu < totals.vcpus else {
        return Flaw(
          found: "guest page \(run.page.rawValue) of vCPU \(run.vcpu)",
          expected: "a page below \(totals.pageLimit) and a vCPU below \(totals.vcpus)")
      }
    }
    return nil
  }

  /// Gives the entries their places between runs and events.
  private static func place(
    _ target: UnsafeMutableBufferPointer<AccessRun>, by gaps: UnsafeRawPointer, _ wide: [NarrowException],
    _ here: Surroundings
  ) -> Flaw? {
    let last = UInt64(here.runs.count + here.events.count)
    var (place, event, next): (UInt64, Int, Int) = (0, 0, 0)
    for index in target.indices {
      let narrow = gaps.load(fromByteOffset: index, as: UInt8.self)
      var gap = UInt64(narrow)
      if narrow == gapEscape {
        guard next < wide.count, wide[next].index == index else { return .badExceptions }
        gap = wide[next].value
        next += 1
      }
      guard gap <= last - place else {
        return Flaw(found: "entry \(index) behind the last record of the block", expected: "a place within it")
      }
      place += gap
      // Event number n stands behind its run's predecessors and n events.
      while event < here.events.count, here.events[event].run + event < Int(place) { event += 1 }
      let run = Int(place) - event
      guard run >= here.runs.count || !here.runs[run].isContinuation else {
        return Flaw(found: "entry \(index) between the two parts of a store", expected: "none there")
      }
      target[index].beforeRun = UInt32(run)
      target[index].beforeEvent = UInt32(event)
    }
    return next == wide.count ? nil : .badExceptions
  }

  /// Gives the entries their instruction counts.
  private static func time(
    _ target: UnsafeMutableBufferPointer<AccessRun>, by clocks: UnsafeRawPointer, _ wide: [NarrowException],
    _ totals: RecordingHeader.Totals
  ) -> Flaw? {
    var last = [UInt64](repeating: 0, count: totals.vcpus)
    var next = 0
    for index in target.indices {
      let narrow = clocks.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
      var step = UInt64(narrow)
      if narrow == NarrowColumn.clockEscape {
        guard next < wide.count, wide[next].index == index, wide[next].value < RecordingFormat.maximumCount else {
          return .badExceptions
        }
        step = wide[next].value
        next += 1
      }
      let vcpu = target[index].run.vcpu
      // Both are below 2^62.
      last[vcpu] += step
      guard last[vcpu] < RecordingFormat.maximumCount else { return .badExceptions }
      target[index].count = last[vcpu]
    }
    return next == wide.count ? nil : .badExceptions
  }
}
