import SeededRandom
import Addresses
import Testing

@testable import EPT

/// Edits of page tables against a dictionary a root: what each page maps to, and what each edit must owe.
@Suite("Page tables")
struct PageTablesTests {
  struct Mapping: Equatable {
    var frame: UInt64
    var bits: UInt64
  }

  /// Everything of a leaf but its address and bit 7.
  static let kept = ~(EPTEntry.addressMask | EPTEntry.pageBit)

  static func lookup(_ tables: PageTables<SparseMemory>, _ page: UInt64, _ root: HostPhysicalAddress) -> Mapping? {
    var nobody = NoObserver()
    let gpa = GuestPhysicalAddress(page << 12)
    let start = WalkStart(table: root, level: .pml4e, granted: ~0)
    let walk = tables.rules.walk(gpa, from: start, in: tables.memory, &nobody)
    guard walk.end == .page else { return nil }
    return Mapping(frame: walk.address(of: gpa).rawValue >> 12, bits: walk.entry.rawValue & kept)
  }

  func makeTables(frames: UInt64 = 4096) -> PageTables<SparseMemory> {
    let rules = EntryRules(capabilities: .all, controls: .ept)
    let allocator = FrameAllocator(first: HostPhysicalAddress(0x10_0000_0000), count: frames)
    return PageTables(memory: SparseMemory(), frames: allocator, rules: rules)
  }

  /// A range among the first 1 GiB + 8 MiB, with its ends drawn to large-page boundaries now and then.
  static func range(_ random: inout SplitMix64) -> PageRange {
    let anchors: [UInt64] = [0, 512, 1024, 1536, 0x40000 - 512, 0x40000, 0x40000 + 512]
    let near = { (random: inout SplitMix64) -> UInt64 in
      let anchor = random.pick(anchors)
      return random.oneIn(3) ? anchor : max(2, anchor) - 2 + random.next() % 520
    }
    let first = near(&random)
    let count: UInt64 = random.pick([1, 1, 2, 7, 511, 512, 513, 1024])
    return PageRange(first: GuestPageNumber(first), count: count) ?? PageRange(page: GuestPageNumber(0))
  }

  /// The pages that are compared after every edit: some around each boundary.
  static let watched: [UInt64] = [0, 512, 1024, 1536, 2048, 0x40000 - 512, 0x40000, 0x40000 + 512, 0x40000 + 1024]
    .flatMap { anchor -> [UInt64] in (UInt64(0)..<6).map { max(2, anchor) - 2 + $0 } + [anchor + 100, anchor + 511] }

  @Test(
    "follow the dictionary through random edits of two roots that share tables", arguments: [1, 2, 3, 4] as [UInt64])
  func randomEdits(seed: UInt64) throws {
    print("page tables: seed \(seed)")
    var random = SplitMix64(seed: seed)
    var tables = makeTables()
    let all = try #require(PageRange(first: GuestPageNumber(0), count: 0x40000 + 4096))
    let first = try tables.makeRoot()
    let debt = try tables.map(all, to: HostPhysicalAddress(0x4000_0000), largest: .pdpte, in: first)
    #expect(debt.scope == .none)
    let roots = [first, try tables.fork(first)]
    var models: [[UInt64: Mapping]] = roots.map { _ in [:] }
    for page in Self.watched where page <= all.last.rawValue {
      let mapping = Mapping(frame: page + 0x40000, bits: 0x437)
      models[0][page] = mapping
      models[1][page] = mapping
    }
    for _ in 0..<400 {
      let range = Self.range(&random)
      let which = Int(random.next() % 2)
      let root = roots[which]
      let before = models
      // Which roots see the edit: both while the tables are shared, and then the test edits both alike by itself.
      let sharing: PageTables<SparseMemory>.Sharing = random.oneIn(2) ? .broken : .kept
      let targets = sharing == .broken ? [which] : [0, 1]
      var scopes: [InvalidationOwed.Scope] = []
      switch random.next() % 4 {
      case 0:
        scopes.append(try tables.merge(range, largest: .pdpte, in: root).scope)
      case 1:
        let level = random.pick([Level.pte, .pde])
        scopes.append(try tables.split(range, to: level, in: root, sharing: .broken).scope)
      default:
        let rights = random.pick([Rights.all, .allButWrite, [.read], [.read, .write], [.execute]])
        let marks: UInt64 = random.pick([0, EPTEntry.suppressVEBit, EPTEntry.pagingWriteBit | EPTEntry.subPageWriteBit])
        let change = LeafChange(rights: rights, setting: marks)
        for target in targets {
          scopes.append(try tables.change(range, change, in: roots[target], sharing: sharing).scope)
          for page in Self.watched where range.contains(GuestPageNumber(page)) {
            guard var mapping = models[target][page] else { continue }
            mapping.bits = mapping.bits & ~0x407 | rights.entryBits | marks
            models[target][page] = mapping
          }
        }
      }
      let owed = scopes.reduce(InvalidationOwed.Scope.none) { $0.union($1) }
      for (index, root) in roots.enumerated() {
        for page in Self.watched {
          let found = Self.lookup(tables, page, root)
          #expect(found == models[index][page], "root \(index) page \(hex(page))")
          guard let old = before[index][page], let new = models[index][page] else { continue }
          if old.bits & ~new.bits & 7 != 0 {
            let tag = EPTRTA(root.rawValue >> 12)
            #expect(owed == .all || owed == .single(tag), "root \(index) lost a right, owed \(owed)")
          }
        }
      }
    }
    #expect(lint(EPTPointer(root: roots[0]), in: tables.memory, rules: tables.rules).isEmpty)
  }

  @Test("map guest memory with the largest pages that alignment and processor allow")
  func largestPages() throws {
    var tables = makeTables()
    let root = try tables.makeRoot()
    let range = try #require(PageRange(first: GuestPageNumber(511), count: 1026))
    #expect(try tables.map(range, to: HostPhysicalAddress(511 << 12), in: root).scope == .none)
    #expect(tables.entry(for: GuestPageNumber(511), in: root).level == .pte)
    #expect(tables.entry(for: GuestPageNumber(512), in: root).level == .pde)
    #expect(tables.entry(for: GuestPageNumber(1535), in: root).level == .pde)
    #expect(tables.entry(for: GuestPageNumber(1536), in: root).level == .pte)
    #expect(tables.entry(for: GuestPageNumber(1537), in: root).entry == EPTEntry(0))
  }

  @Test("give one root other rights on a page and share every table off the path")
  func privatePath() throws {
    var tables = makeTables()
    let normal = try tables.makeRoot()
    let memory = try #require(PageRange(first: GuestPageNumber(0), count: 1 << 19))
    #expect(try tables.map(memory, to: HostPhysicalAddress(0), in: normal).scope == .none)
    let before = tables.frames.available
    let integrity = try tables.fork(normal)
    let page = PageRange(page: GuestPageNumber(0x12345))
    let debt = try tables.protect(page, rights: .allButWrite, in: normal, sharing: .broken)
    #expect(debt.scope == .single(EPTRTA(normal.rawValue >> 12)))
    #expect(tables.entry(for: page.first, in: normal).entry.rights == .allButWrite)
    #expect(tables.entry(for: page.first, in: integrity).entry.rights == .all)
    #expect(tables.entry(for: page.first, in: integrity).level == .pde)
    // One PML4 table for the fork; one PDPT, one PD and one PT for the path.
    #expect(before - tables.frames.available == 4)
    let far = PageRange(page: GuestPageNumber(0x54321))
    #expect(try tables.protect(far, rights: .allButWrite, in: normal).scope == .all)
    #expect(tables.entry(for: far.first, in: integrity).entry.rights == .allButWrite)
  }

  @Test("refuse an edit whole, before anything is changed")
  func refusals() throws {
    var tables = makeTables(frames: 5)
    let root = try tables.makeRoot()
    let range = try #require(PageRange(first: GuestPageNumber(0), count: 1024))
    let ends = try #require(PageRange(first: GuestPageNumber(1), count: 1022))
    #expect(try tables.map(range, to: HostPhysicalAddress(0), in: root).scope == .none)
    #expect(throws: PageTableError.outOfFrames(needed: 2, available: 2 - 1)) {
      _ = try tables.makeRoot()
      _ = try tables.protect(ends, rights: .read, in: root).scope
    }
    #expect(throws: PageTableError.notMapped(GuestPageNumber(1024))) {
      _ = try tables.unmap(PageRange(first: GuestPageNumber(1000), count: 100) ?? range, in: root).scope
    }
    #expect(throws: PageTableError.alreadyMapped(GuestPageNumber(0))) {
      _ = try tables.map(range, to: HostPhysicalAddress(0), in: root).scope
    }
    #expect(throws: PageTableError.wouldNotWork(EPTEntry(0xb2), .pde)) {
      _ = try tables.protect(range, rights: .write, in: root).scope
    }
    #expect(throws: PageTableError.badHostAddress(HostPhysicalAddress(0x800))) {
      _ = try tables.map(PageRange(page: GuestPageNumber(9999)), to: HostPhysicalAddress(0x800), in: root).scope
    }
    for page in UInt64(0)..<1024 {
      #expect(Self.lookup(tables, page, root) == Mapping(frame: page, bits: 0x437))
    }
    #expect(try tables.unmap(range, in: root).scope == .single(EPTRTA(root.rawValue >> 12)))
    #expect(Self.lookup(tables, 3, root) == nil)
  }

  @Test("come together again after a split, and owe an invalidation for it")
  func mergeAfterSplit() throws {
    var tables = makeTables()
    let root = try tables.makeRoot()
    let range = try #require(PageRange(first: GuestPageNumber(0), count: 512 * 512))
    #expect(try tables.map(range, to: HostPhysicalAddress(0), largest: .pdpte, in: root).scope == .none)
    let whole = tables.entry(for: GuestPageNumber(0), in: root)
    #expect(whole.level == .pdpte)
    let tag = InvalidationOwed.Scope.single(EPTRTA(root.rawValue >> 12))
    #expect(try tables.split(PageRange(page: GuestPageNumber(7)), to: .pte, in: root).scope == tag)
    #expect(tables.entry(for: GuestPageNumber(7), in: root).level == .pte)
    #expect(try tables.merge(range, largest: .pdpte, in: root).scope == tag)
    #expect(tables.entry(for: GuestPageNumber(7), in: root).entry == whole.entry)
  }
}
