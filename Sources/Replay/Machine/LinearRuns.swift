import Addresses
import Recordings

/// The runs of a block under the keys of their linear pages: what the filter and the first-level TLBs go by in two
/// dimensions.
///
/// The words are those of the block but for the page, so filter and loop are the same in one dimension and in two.
struct LinearRuns: ~Copyable {
  private var words = Storage(repeating: Run(rawValue: 0), count: 1)
  private var regions = RegionNumbers()
  /// For each region 512 bits: which of its pages are mapped by a global leaf.
  private var globals: [UInt64] = []
  /// Regions in gigabytes mapped whole by a global leaf start with all bits set.
  private var globalGigabytes: Set<UInt64> = []
  /// Guest pages on which every run is found.
  private let watched: PageSet
  private let name: String

  /// For a recording with this name, of so many guest pages.
  init(name: String, pages: UInt64) {
    self.name = name
    watched = PageSet(capacity: pages)
  }

  /// Has every run on these guest pages found from now on, under whatever linear page it is.
  func watch(_ range: PageRange) { watched.insert(range) }

  /// Makes room for the runs of a block; they have no keys yet.
  mutating func begin(_ block: RecordingBlock) -> UnsafeBufferPointer<Run> {
    if block.runs.count > words.count { words = Storage(repeating: Run(rawValue: 0), count: block.runs.count) }
    return UnsafeBufferPointer(start: words.base, count: block.runs.count)
  }

  /// Gives runs their keys. A key whose run lies on a watched guest page is watched by the filter from now on.
  mutating func assign(
    _ range: Range<Int>, of block: RecordingBlock, _ filter: borrowing RunFilter
  ) throws(ReplayError) {
    let words = words.base
    var latest: (region: UInt64, number: UInt32) = (.max, 0)
    for index in range {
      let run = block.runs[index]
      let page = block.linearPages[index]
      if page >> 9 != latest.region { latest = (page >> 9, try number(of: page >> 9)) }
      let key = key(of: page, in: latest.number)
      words[index] = Run(rawValue: run.rawValue & ~0xffff_ffff | UInt64(key))
      if watched.contains(run.page.rawValue) { filter.watch(key) }
    }
  }

  /// Takes in a mapping, and gives the key of its first page.
  mutating func note(_ mapping: RecordedEvent.LinearMapping) throws(ReplayError) -> UInt32 {
    let page = mapping.linear.rawValue >> 12
    let isGlobal = mapping.entry & 1 << 8 != 0
    let region = try number(of: page >> 9)
    switch mapping.pageShift {
    case 12: setGlobal(isGlobal, page & 511..<page & 511 + 1, of: region)
    case 21: setGlobal(isGlobal, 0..<512, of: region)
    default:
      if isGlobal { globalGigabytes.insert(page >> 18) } else { globalGigabytes.remove(page >> 18) }
      let first = page >> 18 * 512
      for region in first..<first + 512 {
        if let number = regions.known(region) { setGlobal(isGlobal, 0..<512, of: number) }
      }
    }
    return key(of: page, in: region)
  }

  private func key(of page: UInt64, in region: UInt32) -> UInt32 {
    let bit = globals[Int(region) << 3 | Int(page >> 6 & 7)] >> (page & 63) & 1
    return LinearKey.key(region: region, page: page, isGlobal: bit != 0)
  }

  private mutating func setGlobal(_ isGlobal: Bool, _ pages: Range<UInt64>, of region: UInt32) {
    for page in pages {
      let word = Int(region) << 3 | Int(page >> 6)
      if isGlobal { globals[word] |= 1 << (page & 63) } else { globals[word] &= ~(1 << (page & 63)) }
    }
  }

  private mutating func number(of region: UInt64) throws(ReplayError) -> UInt32 {
    let number = regions.number(of: region)
    if Int(number) << 3 == globals.count {
      guard Int(number) < LinearKey.regionLimit else {
        throw ReplayError(
          "\(name): stores to more than \(LinearKey.regionLimit) linear regions of 2 MiB, which a two-dimensional replay "
            + "cannot tell apart; replay it with --dimensions 1")
      }
      globals += [UInt64](repeating: globalGigabytes.contains(region >> 9) ? ~0 : 0, count: 8)
    }
    return number
  }
}

/// Numbers linear regions in the order in which they appear: a hash table with open addressing, at most half full.
private struct RegionNumbers {
  private var slots = [(region: UInt64, number: UInt32)](repeating: (.max, 0), count: 1024)
  private var count: UInt32 = 0

  private func slot(of region: UInt64) -> Int {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: (region &* 0x9e37_79b9_7f4a_7c15) >> 32) & mask
    while slots[slot].region != region && slots[slot].region != .max { slot = (slot + 1) & mask }
    return slot
  }

  func known(_ region: UInt64) -> UInt32? {
    let entry = slots[slot(of: region)]
    return entry.region == region ? entry.number : nil
  }

  mutating func number(of region: UInt64) -> UInt32 {
    if let number = known(region) { return number }
    if Int(count) * 2 >= slots.count {
      let old = slots
      slots = .init(repeating: (.max, 0), count: old.count * 2)
      for entry in old where entry.region != .max { slots[slot(of: entry.region)] = entry }
    }
    slots[slot(of: region)] = (region, count)
    count += 1
    return count - 1
  }
}
