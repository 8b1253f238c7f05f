import SeededRandom
import Addresses
import CHost
import Glibc
import Measuring
import MonitorTree
import References

/// Ranges of random place and length that cover half of guest memory, in a tree and in the references' arrays, and
/// random pages to look up.
///
/// Guest memory is reserved address space of 64 pages a range; only the tree's slab, at its start, is ever touched.
/// Tree and arrays lie in huge pages where the host grants them.
final class TreeWorkload {
  let ranges: Int
  let memory: GuestMemory
  let base = BasePointer(readers: 1)
  let writer: TreeWriter
  let reader: TreeReader
  let queries: [UInt32]
  let mappings: [Mapping]
  private(set) var reference = reference_ranges()
  let stree: OpaquePointer

  static let queryCount = 1 << 16

  init(ranges: Int) throws {
    self.ranges = ranges
    let slab = UInt32(ranges / 50 + 64)
    let span = UInt32(ranges) * 64
    let start = Self.hugePages(bytes: Int(slab + span) << 12, touched: Int(slab) << 12)
    guard let memory = GuestMemory(start: start, pageCount: UInt64(slab + span)) else {
      fatalError("a guest of \(slab + span) pages cannot be described")
    }
    self.memory = memory

    var random = SplitMix64(seed: UInt64(ranges))
    var cuts: Set<UInt32> = []
    while cuts.count < 2 * ranges { cuts.insert(slab + UInt32.random(in: 0..<span, using: &random)) }
    let sorted = cuts.sorted()
    queries = (0..<Self.queryCount).map { _ in slab + UInt32.random(in: 0..<span, using: &random) }

    let first = Self.hugePages(bytes: (ranges + 1) * 4).assumingMemoryBound(to: UInt32.self)
    let pages = Self.hugePages(bytes: (ranges + 1) * 4).assumingMemoryBound(to: UInt32.self)
    let actions = Self.hugePages(bytes: (ranges + 1) * 2).assumingMemoryBound(to: UInt16.self)
    var mappings: [Mapping] = []
    for index in 0..<ranges {
      first[index + 1] = sorted[2 * index]
      pages[index + 1] = sorted[2 * index + 1] - sorted[2 * index]
      actions[index + 1] = 1
      if let range = PageRange(
        first: GuestPageNumber(UInt64(first[index + 1])), count: UInt64(pages[index + 1]))
      {
        mappings.append(Mapping(range, actions: .count, region: RegionID(UInt16(index % 1000 + 1))))
      }
    }
    self.mappings = mappings
    reference = reference_ranges(first: first, pages: pages, actions: actions, count: ranges + 1)
    stree = reference_stree_make(&reference)

    writer = try TreeWriter(memory: memory, base: base, nodeActions: .init(.log))
    var store = DirectStore(memory)
    guard let pagesOfTree = PageRange(first: GuestPageNumber(0), count: UInt64(slab)),
      let reader = TreeReader(0, of: base, memory: memory)
    else { fatalError("a slab of \(slab) pages cannot be described") }
    self.reader = reader
    reader.goOffline()
    try writer.create(slab: pagesOfTree, actions: .log, through: &store)
    try writer.build(from: mappings, through: &store)
    precondition(reader.tree.check().isEmpty, "the tree is not sound")
  }

  /// Zeroed memory that the host is asked to back by huge pages as far as it will be touched.
  static func hugePages(bytes: Int, touched: Int? = nil) -> UnsafeMutableRawPointer {
    let huge = 2 << 20
    guard
      let start = mmap(
        nil, bytes + huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
      start != MAP_FAILED
    else { fatalError("no address space for \(bytes) bytes") }
    let aligned = UnsafeMutableRawPointer(bitPattern: (UInt(bitPattern: start) + UInt(huge) - 1) & ~(UInt(huge) - 1))
    guard let aligned else { fatalError("no address space for \(bytes) bytes") }
    madvise(aligned, touched ?? bytes, MADV_HUGEPAGE)
    return aligned
  }

  // MARK: What is measured; each returns how many of the pages are monitored

  @inline(never)
  func binarySearch() -> UInt64 { binarySearch(of: queries) }

  @inline(never)
  func binarySearch(of queries: [UInt32]) -> UInt64 { reference_binary_search(&reference, queries, queries.count) }

  func binarySearch(_ query: UInt32) -> UInt64 {
    withUnsafePointer(to: query) { reference_binary_search(&reference, $0, 1) }
  }

  @inline(never)
  func staticTree() -> UInt64 { reference_stree_search(stree, queries, queries.count) }

  /// Look-ups as a vCPU makes them: acquire the base pointer for each, say that nothing is held now and then.
  @inline(never)
  func lookUps() -> UInt64 { lookUps(of: queries) }

  @inline(never)
  func lookUps(of queries: [UInt32]) -> UInt64 {
    let reader = reader
    reader.goOnline()
    defer { reader.goOffline() }
    return queries.withUnsafeBufferPointer { queries in
      var found: UInt64 = 0
      for index in 0..<queries.count {
        if index & 63 == 0 { reader.quiescent() }
        let finding = reader.tree.find(GuestPageNumber(UInt64(queries[index])))
        found &+= finding.monitored
      }
      return found
    }
  }

  @inline(never)
  func lookUp(_ query: UInt32) -> UInt64 { reader.tree.find(GuestPageNumber(UInt64(query))).monitored }

  /// Drops tree and arrays from every cache of the host.
  func flush() {
    func drop(_ start: UnsafeRawPointer?, _ bytes: Int) {
      guard let start else { return }
      for line in stride(from: 0, to: bytes, by: 64) { chost_flush(start + line) }
    }
    drop(memory.start, (ranges / 50 + 64) << 12)
    drop(reference.first, 4 * (ranges + 1))
    drop(reference.pages, 4 * (ranges + 1))
    drop(reference.actions, 2 * (ranges + 1))
  }

  /// Look-ups below a base that is loaded once, without a word to the writer.
  @inline(never)
  func lookUpsFromOneBase() -> UInt64 {
    let tree = reader.tree
    let base = tree.snapshot
    return queries.withUnsafeBufferPointer { queries in
      var found: UInt64 = 0
      for index in 0..<queries.count {
        found &+= tree.find(GuestPageNumber(UInt64(queries[index])), from: base).monitored
      }
      return found
    }
  }

  /// Look-ups that each acquire the base pointer and each say that nothing is held.
  @inline(never)
  func lookUpsEachQuiescent() -> UInt64 {
    let reader = reader
    reader.goOnline()
    defer { reader.goOffline() }
    return queries.withUnsafeBufferPointer { queries in
      var found: UInt64 = 0
      for index in 0..<queries.count {
        found &+= reader.tree.find(GuestPageNumber(UInt64(queries[index]))).monitored
        reader.quiescent()
      }
      return found
    }
  }
}

extension Finding {
  /// 1 if there is any action for the page, else 0; without a branch, as the references count.
  @inline(__always)
  fileprivate var monitored: UInt64 { (UInt64(actions.rawValue) + 0xfff) >> 12 }
}
