import Addresses

extension PageTables {
  /// Puts large pages back where the entries of a whole table map one contiguous, aligned run alike.
  ///
  /// Only regions wholly within the range are merged, up to `largest`. Alike means: same rights, type, ignore-PAT and bits 11 and 52...63; the
  /// large page is accessed or dirty if one of its parts was. An entry above that withholds a right keeps its table. A table no
  /// longer used goes back to the allocator: discharge the debt before the next edit takes its frame.
  public mutating func merge(
    _ pages: PageRange, largest: Level = .pde, in root: HostPhysicalAddress
  ) throws(PageTableError) -> InvalidationOwed {
    guard pages.last.rawValue < 1 << 36 else { throw .addressTooWide(pages.last) }
    var owed = InvalidationOwed.Scope.none
    for level in [Level.pde, .pdpte] where level <= largest && rules.largePageBit(level) != 0 {
      let size = level.pageCount
      var page = (pages.first.rawValue + size - 1) / size * size
      while page + size - 1 <= pages.last.rawValue {
        owed = owed.union(mergeRegion(GuestPageNumber(page), at: level, in: root))
        page += size
      }
    }
    return InvalidationOwed(owed)
  }

  /// Merges the one region that an entry of this level spans, if it can be.
  private mutating func mergeRegion(
    _ page: GuestPageNumber, at level: Level, in root: HostPhysicalAddress
  ) -> InvalidationOwed.Scope {
    guard let (address, isShared) = entryAddress(page, at: level, in: root), let below = level.below else {
      return .none
    }
    let pointer = EPTEntry(memory.load(address))
    guard isTable(pointer, level), !rules.isMisconfigured(pointer, at: level), pointer.rights == .all,
      let leaf = mergedLeaf(of: pointer.table, at: level, below)
    else { return .none }
    let owed = write(leaf, at: address, over: pointer, level, root, isShared)
    if furtherOwners[pointer.table, default: 0] > 0 {
      furtherOwners[pointer.table, default: 1] -= 1
    } else {
      frames.free(pointer.table)
    }
    return owed
  }

  /// The large page that a table's entries amount to; nil if they do not.
  private func mergedLeaf(of table: HostPhysicalAddress, at level: Level, _ below: Level) -> EPTEntry? {
    let flags = EPTEntry.accessedBit | EPTEntry.dirtyBit
    let first = memory.load(slot(0, of: table))
    guard rules.isPresent(first), rules.mapsPage(first, below), !rules.isMisconfiguredPage(first, below),
      first & EPTEntry.addressMask & level.offsetMask == 0
    else { return nil }
    var union = first
    for index in UInt64(1)..<512 {
      let entry = memory.load(slot(index, of: table))
      guard entry & ~flags == (first & ~flags) + index << below.shift else { return nil }
      union |= entry & flags
    }
    return EPTEntry(union | EPTEntry.pageBit)
  }

  /// Where the entry of this level for a page lies, and whether other hierarchies see it; nil if the walk ends above it.
  private func entryAddress(
    _ page: GuestPageNumber, at level: Level, in root: HostPhysicalAddress
  ) -> (HostPhysicalAddress, isShared: Bool)? {
    var table = root
    var current = Level.pml4e
    var shared = false
    while current > level, let below = current.below {
      let entry = EPTEntry(memory.load(slot(current.index(of: page.address.rawValue), of: table)))
      guard isTable(entry, current), !rules.isMisconfigured(entry, at: current) else { return nil }
      shared = shared || isShared(entry.table)
      table = entry.table
      current = below
    }
    return (slot(level.index(of: page.address.rawValue), of: table), shared)
  }
}
