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
  /// Sizes of the leaves by which the guest maps a region, or has mapped it in one of its address spaces.
  private var sizes: [LeafSizes] = []
  /// Regions in gigabytes mapped whole start with large leaves.
  private var gigabytes: Set<UInt64> = []
  /// Guest regions of 2 MiB that a hypercall has named: there EPT may have leaves of 4 KiB, under one strategy or another.
  private let named: PageSet
  /// Guest pages on which every run is found.
  private let watched: PageSet
  private let name: String

  /// For a recording with this name, of so many guest pages.
  init(name: String, pages: UInt64) {
    self.name = name
    watched = PageSet(capacity: pages)
    named = PageSet(capacity: pages >> 9 + 1)
  }

  /// Has every run on these guest pages found from now on, under whatever linear page it is.
  func watch(_ range: PageRange) {
    watched.insert(range)
    let regions = range.first.rawValue >> 9...range.last.rawValue >> 9
    if let regions = PageRange(first: GuestPageNumber(regions.lowerBound), count: UInt64(regions.count)) {
      named.insert(regions)
    }
  }

  /// Makes room for the runs of a block; they have no keys yet.
  mutating func begin(_ block: RecordingBlock) -> UnsafeBufferPointer<Run> {
    if block.runs.count > words.count { words = Storage(repeating: Run(rawValue: 0), count: block.runs.count) }
    return UnsafeBufferPointer(start: words.base, count: block.runs.count)
  }

  /// Gives runs their keys: that of the region, where translations are sure to be cached for the whole of it, and else that of
  /// the page. The filter watches keys from now on whose run lies on a watched guest page, or may hit either kind of entry.
  mutating func assign(
    _ range: Range<Int>, of block: RecordingBlock, _ filter: borrowing RunFilter
  ) throws(ReplayError) {
    let words = words.base
    var latest: (region: UInt64, number: UInt32) = (.max, 0)
    for index in range {
      let run = block.runs[index]
      let page = block.linearPages[index]
      if page >> 9 != latest.region { latest = (page >> 9, try number(of: page >> 9)) }
      let key = watchedKey(of: page, in: latest.number, for: run, filter)
      words[index] = Run(rawValue: run.rawValue & ~0xffff_ffff | UInt64(key))
    }
  }

  /// The key of a load or fetch, found and watched like that of a store.
  mutating func key(of entry: AccessRun, _ filter: borrowing RunFilter) throws(ReplayError) -> UInt32 {
    // First the number: a new one makes room for the region's pages.
    let region = try number(of: entry.linearPage >> 9)
    return watchedKey(of: entry.linearPage, in: region, for: entry.run, filter)
  }

  @inline(__always)
  private func watchedKey(
    of page: UInt64, in region: UInt32, for run: Run, _ filter: borrowing RunFilter
  ) -> UInt32 {
    var key = key(of: page, in: region)
    var isWatched = watched.contains(run.page.rawValue)
    let sizes = sizes[Int(region)]
    if sizes.contains(.large) {
      if sizes == .large, !named.contains(run.page.rawValue >> 9) {
        key = LinearKey.whole(key)
      } else {
        isWatched = true
      }
    }
    if isWatched { filter.watch(key) }
    return key
  }

  /// Takes in a mapping, and gives the key of its first page.
  mutating func note(_ mapping: RecordedEvent.LinearMapping) throws(ReplayError) -> UInt32 {
    let page = mapping.linear.rawValue >> 12
    let isGlobal = mapping.entry & 1 << 8 != 0
    let region = try number(of: page >> 9)
    let isKernel = page >> 51 != 0
    switch mapping.pageShift {
    case 12:
      setGlobal(isGlobal, page & 511..<page & 511 + 1, of: region)
      noteLeaf(.small, of: region, ofKernel: isKernel)
    case 21:
      setGlobal(isGlobal, 0..<512, of: region)
      noteLeaf(.large, of: region, ofKernel: isKernel)
    default:
      gigabytes.insert(page >> 18)
      if isGlobal { globalGigabytes.insert(page >> 18) } else { globalGigabytes.remove(page >> 18) }
      let first = page >> 18 * 512
      for region in first..<first + 512 {
        if let number = regions.known(region) {
          setGlobal(isGlobal, 0..<512, of: number)
          noteLeaf(.large, of: number, ofKernel: isKernel)
        }
      }
    }
    return key(of: page, in: region)
  }

  /// All address spaces share the kernel's tables, where a leaf takes the place of what was there; the user's are one each.
  private mutating func noteLeaf(_ size: LeafSizes, of region: UInt32, ofKernel: Bool) {
    if ofKernel { sizes[Int(region)] = size } else { sizes[Int(region)].formUnion(size) }
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
    if let known = regions.known(region) { return known }
    guard let number = regions.add(region) else {
      throw ReplayError(
        "\(name): stores to more than \(RegionNumbers.limit) linear regions of 2 MiB that are a multiple of 256 MiB apart, which "
          + "a two-dimensional replay cannot tell apart; replay it with --dimensions 1")
    }
    while sizes.count <= Int(number) {
      sizes.append([])
      globals += repeatElement(0, count: 8)
    }
    if gigabytes.contains(region >> 9) { sizes[Int(number)] = .large }
    if globalGigabytes.contains(region >> 9) { setGlobal(true, 0..<512, of: number) }
    return number
  }
}

/// Sizes of the leaves that map a region of 2 MiB: 4 KiB, or 2 MiB and more.
private struct LeafSizes: OptionSet {
  let rawValue: UInt8
  static let small = Self(rawValue: 1)
  static let large = Self(rawValue: 2)
}

/// Numbers linear regions in the order in which they appear, with the low bits of their addresses below, so that entries of
/// whole regions fall into the sets that their addresses name: a hash table with open addressing, at most half full.
private struct RegionNumbers {
  private static let lowBits: UInt64 = 7
  /// How many regions of the same low bits can be numbered.
  static var limit: Int { LinearKey.regionLimit >> Int(lowBits) }

  private var slots = [(region: UInt64, number: UInt32)](repeating: (.max, 0), count: 1024)
  private var count = 0
  private var byLowBits = [UInt32](repeating: 0, count: 1 << Int(lowBits))

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

  /// Numbers a region that has none; nil if there is none left.
  mutating func add(_ region: UInt64) -> UInt32? {
    if count * 2 >= slots.count {
      let old = slots
      slots = .init(repeating: (.max, 0), count: old.count * 2)
      for entry in old where entry.region != .max { slots[slot(of: entry.region)] = entry }
    }
    let low = region & (1 << Self.lowBits - 1)
    let place = byLowBits[Int(low)]
    guard place < Self.limit else { return nil }
    byLowBits[Int(low)] += 1
    let number = place << UInt32(Self.lowBits) | UInt32(low)
    slots[slot(of: region)] = (region, number)
    count += 1
    return number
  }
}
