import Addresses
import MonitorTree
import References
import SeededRandom

/// Ranges of random place and length that cover half of guest memory, in a tree and in the reference's arrays.
///
/// Guest memory is reserved address space of 64 pages a range; only the tree's slab, at its start, is ever touched. Tree
/// and arrays ask for huge pages.
final class RangeTree {
  /// Look-ups timed together.
  static let batch = 1 << 16
  static let region = RegionID(1)
  private static let hotPages = 64

  let ranges: Int
  let memory: GuestMemory
  let writer: TreeWriter
  private let base = BasePointer(readers: 1)
  private let reader: TreeReader
  private let slab: UInt32
  private let end: UInt32
  private let first: UnsafeMutablePointer<UInt32>
  private let pages: UnsafeMutablePointer<UInt32>
  private let actions: UnsafeMutablePointer<UInt16>
  private let owned: [HugePages]
  private var random: SplitMix64
  private let hot: [UInt32]

  init(ranges: Int) throws {
    self.ranges = ranges
    var owned: [HugePages] = []
    func reserve(bytes: Int, touched: Int) -> UnsafeMutableRawPointer {
      owned.append(HugePages(bytes: bytes, touched: touched))
      return owned[owned.count - 1].start
    }
    random = SplitMix64(seed: UInt64(ranges))
    first = reserve(bytes: (ranges + 1) * 4, touched: (ranges + 1) * 4).assumingMemoryBound(to: UInt32.self)
    pages = reserve(bytes: (ranges + 1) * 4, touched: (ranges + 1) * 4).assumingMemoryBound(to: UInt32.self)
    actions = reserve(bytes: (ranges + 1) * 2, touched: (ranges + 1) * 2).assumingMemoryBound(to: UInt16.self)
    slab = UInt32(ranges / 100 + 64)
    // Gaps and ranges of 1...63 pages each.
    var page = slab
    for index in 1...ranges {
      first[index] = page + UInt32.random(in: 1...63, using: &random)
      pages[index] = UInt32.random(in: 1...63, using: &random)
      actions[index] = 1
      page = first[index] + pages[index]
    }
    end = page
    let start = reserve(bytes: Int(page) << 12, touched: Int(slab) << 12)
    guard let memory = GuestMemory(start: start, pageCount: UInt64(page)),
      let reader = TreeReader(0, of: base, memory: memory),
      let pagesOfTree = PageRange(first: GuestPageNumber(0), count: UInt64(slab))
    else { fatalError("a guest of \(page) pages cannot be described") }
    self.memory = memory
    self.reader = reader
    self.owned = owned
    var hot: [UInt32] = []
    for _ in 0..<Self.hotPages { hot.append(UInt32.random(in: slab..<page, using: &random)) }
    self.hot = hot
    reader.goOffline()
    writer = try TreeWriter(memory: memory, base: base, nodeActions: .init(.log))
    var store = DirectStore(memory)
    try writer.create(slab: pagesOfTree, actions: .log, through: &store)
    let mappings = (1...ranges).lazy.map { [first, pages] index in
      Mapping(Self.range(first[index], pages[index]), actions: .count, region: Self.region)
    }
    try writer.build(from: mappings, through: &store)
  }

  private static func range(_ first: UInt32, _ pages: UInt32) -> PageRange {
    guard let range = PageRange(first: GuestPageNumber(UInt64(first)), count: UInt64(pages)) else {
      fatalError("\(pages) pages from \(first) are no range")
    }
    return range
  }

  /// A protected range by its number.
  func range(_ index: Int) -> PageRange { Self.range(first[index + 1], pages[index + 1]) }

  /// Random pages, others at every call.
  func uniformQueries() -> [UInt32] { (0..<Self.batch).map { _ in UInt32.random(in: slab..<end, using: &random) } }

  /// A few pages in random order.
  func hotQueries() -> [UInt32] {
    (0..<Self.batch).map { _ in hot[Int.random(in: 0..<Self.hotPages, using: &random)] }
  }

  // MARK: What is measured; each returns how many of the pages are monitored

  @inline(never)
  func binarySearch(_ queries: [UInt32]) -> UInt64 {
    var reference = reference_ranges(first: first, pages: pages, actions: actions, count: ranges + 1)
    return reference_binary_search(&reference, queries, queries.count)
  }

  /// Look-ups as a vCPU makes them: acquire the base pointer for each, say that nothing is held now and then.
  @inline(never)
  func lookUps(_ queries: [UInt32]) -> UInt64 {
    let reader = reader
    reader.goOnline()
    defer { reader.goOffline() }
    return queries.withUnsafeBufferPointer { queries in
      var found: UInt64 = 0
      for index in 0..<queries.count {
        if index & 63 == 0 { reader.quiescent() }
        let finding = reader.tree.find(GuestPageNumber(UInt64(queries[index])))
        // 1 if there is any action, without a branch, as the reference counts.
        found &+= (UInt64(finding.actions.rawValue) + 0xfff) >> 12
      }
      return found
    }
  }
}
