import Addresses

/// What an edit does to each leaf of a range.
@frozen
public struct LeafChange: Hashable, Sendable {
  /// The rights to give; nil keeps them.
  public var rights: Rights?
  /// Bits to set, of 3...6, 8, 9, 11 and 52...63.
  public var setting: UInt64
  /// Bits to clear, of the same.
  public var clearing: UInt64
  /// The largest page that the leaf may map: `pte` splits large pages so that each 4 KiB page has its own entry.
  public var largest: Level

  /// The bits, other than rights, that may be set and cleared.
  @inlinable public static var attributeMask: UInt64 { 0xfff0_0000_0000_0b78 }

  /// A change from its parts; bits outside ``attributeMask`` are dropped.
  public init(rights: Rights? = nil, setting: UInt64 = 0, clearing: UInt64 = 0, largest: Level = .pdpte) {
    self.rights = rights
    self.setting = setting & Self.attributeMask
    self.clearing = clearing & Self.attributeMask
    self.largest = largest
  }

  /// The leaf after the change.
  public func applied(to entry: EPTEntry) -> EPTEntry {
    var entry = EPTEntry(entry.rawValue & ~clearing | setting)
    if let rights { entry.rights = rights }
    return entry
  }
}

extension PageTables {
  /// Gives the pages these rights; memory type, ignore-PAT, flags and bits 52...63 stay. Large pages are split where the range cuts them.
  public mutating func protect(
    _ pages: PageRange, rights: Rights, in root: HostPhysicalAddress, sharing: Sharing = .kept
  ) throws(PageTableError) -> InvalidationOwed {
    try change(pages, LeafChange(rights: rights), in: root, sharing: sharing)
  }

  /// Splits large pages so that no entry of the range maps more than `level` does. Rights, type, flags and bits 52...63 are inherited.
  public mutating func split(
    _ pages: PageRange, to level: Level, in root: HostPhysicalAddress, sharing: Sharing = .kept
  ) throws(PageTableError) -> InvalidationOwed {
    try change(pages, LeafChange(largest: level), in: root, sharing: sharing)
  }

  /// Changes every leaf of the range.
  ///
  /// Throws before anything is changed if a page is not mapped, an entry would not work afterwards, or frames may run out.
  public mutating func change(
    _ pages: PageRange, _ change: LeafChange, in root: HostPhysicalAddress, sharing: Sharing = .kept
  ) throws(PageTableError) -> InvalidationOwed {
    try edit(pages, .change(change), in: root, sharing: sharing)
  }

  /// Unmaps the pages: their entries become 0. Tables stay, even if nothing is left in them.
  public mutating func unmap(
    _ pages: PageRange, in root: HostPhysicalAddress, sharing: Sharing = .kept
  ) throws(PageTableError) -> InvalidationOwed {
    try edit(pages, .unmap, in: root, sharing: sharing)
  }

  private mutating func edit(
    _ pages: PageRange, _ edit: Edit, in root: HostPhysicalAddress, sharing: Sharing
  ) throws(PageTableError) -> InvalidationOwed {
    guard pages.last.rawValue < 1 << 36 else { throw .addressTooWide(pages.last) }
    let span = Span(first: pages.first.rawValue, last: pages.last.rawValue)
    let place = Place(table: root, level: .pml4e, firstPage: 0, isShared: false)
    try requireFrames(framesNeeded(for: edit, on: span, at: place, sharing))
    return InvalidationOwed(perform(edit, on: span, at: place, root: root, sharing))
  }

  /// What is done to a leaf that lies wholly within the range.
  private enum Edit {
    case change(LeafChange)
    case unmap

    func applied(to entry: EPTEntry) -> EPTEntry {
      switch self {
      case .change(let change): change.applied(to: entry)
      case .unmap: EPTEntry(0)
      }
    }

    func allowsPage(of level: Level) -> Bool {
      switch self {
      case .change(let change): level <= max(.pte, change.largest)
      case .unmap: true
      }
    }
  }

  /// First and last page number of a range.
  private struct Span {
    let first: UInt64
    let last: UInt64

    func clipped(to entry: Span) -> Span { Span(first: max(first, entry.first), last: min(last, entry.last)) }
    func covers(_ entry: Span) -> Bool { first <= entry.first && last >= entry.last }
  }

  /// One table on the way down.
  private struct Place {
    let table: HostPhysicalAddress
    let level: Level
    /// The first page that the table's entries span.
    let firstPage: UInt64
    /// This table, or one above it on the path, belongs to other hierarchies too.
    let isShared: Bool

    func indices(_ span: Span) -> ClosedRange<UInt64> {
      let size = level.pageCount
      return (span.first - firstPage) / size...(span.last - firstPage) / size
    }

    func span(_ index: UInt64) -> Span {
      let first = firstPage + index * level.pageCount
      return Span(first: first, last: first + level.pageCount - 1)
    }

    func below(_ table: HostPhysicalAddress, _ index: UInt64, isShared: Bool) -> Place? {
      guard let level = level.below else { return nil }
      return Place(table: table, level: level, firstPage: span(index).first, isShared: isShared)
    }
  }

  /// How many tables the edit will make. Throws if it cannot be done; changes nothing.
  private func framesNeeded(
    for edit: Edit, on span: Span, at place: Place, _ sharing: Sharing
  ) throws(PageTableError) -> UInt64 {
    var needed: UInt64 = 0
    for index in place.indices(span) {
      let address = slot(index, of: place.table)
      let entry = EPTEntry(memory.load(address))
      let part = span.clipped(to: place.span(index))
      guard rules.isPresent(entry.rawValue) else { throw .notMapped(GuestPageNumber(part.first)) }
      guard !rules.isMisconfigured(entry, at: place.level) else { throw .misconfigured(address) }
      guard rules.mapsPage(entry.rawValue, place.level) else {
        if sharing == .broken && (place.isShared || isShared(entry.table)) { needed += 1 }
        let shared = place.isShared || isShared(entry.table)
        if let below = place.below(entry.table, index, isShared: shared) {
          needed += try framesNeeded(for: edit, on: part, at: below, sharing)
        }
        continue
      }
      if part.covers(place.span(index)) && edit.allowsPage(of: place.level) {
        try requireWorking(edit, entry, place.level)
      } else {
        needed += try framesToSplit(edit, entry, on: part, at: place.level, first: place.span(index).first)
      }
    }
    return needed
  }

  /// How many tables it takes to split one large page as far as the edit wants it.
  private func framesToSplit(
    _ edit: Edit, _ entry: EPTEntry, on span: Span, at level: Level, first: UInt64
  ) throws(PageTableError) -> UInt64 {
    guard let below = level.below else { return 0 }
    var needed: UInt64 = 1
    let place = Place(table: HostPhysicalAddress(0), level: below, firstPage: first, isShared: false)
    let indices = place.indices(span)
    for index in indices {
      let part = span.clipped(to: place.span(index))
      let child = childLeaf(of: entry, at: level, index: index)
      if part.covers(place.span(index)) && edit.allowsPage(of: below) {
        try requireWorking(edit, child, below)
      } else {
        needed += try framesToSplit(edit, child, on: part, at: below, first: place.span(index).first)
      }
    }
    return needed
  }

  private func requireWorking(_ edit: Edit, _ entry: EPTEntry, _ level: Level) throws(PageTableError) {
    guard case .change = edit else { return }
    let new = edit.applied(to: entry)
    guard rules.isPresent(new.rawValue), !rules.isMisconfigured(new, at: level) else {
      throw .wouldNotWork(new, level)
    }
  }

  /// Does the edit, which ``framesNeeded(for:on:at:_:)`` has found possible; says what is owed.
  private mutating func perform(
    _ edit: Edit, on span: Span, at place: Place, root: HostPhysicalAddress, _ sharing: Sharing
  ) -> InvalidationOwed.Scope {
    var owed = InvalidationOwed.Scope.none
    for index in place.indices(span) {
      let address = slot(index, of: place.table)
      var entry = EPTEntry(memory.load(address))
      let part = span.clipped(to: place.span(index))
      if rules.mapsPage(entry.rawValue, place.level) {
        if part.covers(place.span(index)) && edit.allowsPage(of: place.level) {
          owed = owed.union(write(edit.applied(to: entry), at: address, over: entry, place.level, root, place.isShared))
          continue
        }
        let pointer = splitPage(entry, at: place.level)
        owed = owed.union(write(pointer, at: address, over: entry, place.level, root, place.isShared))
        entry = pointer
      } else if sharing == .broken && isShared(entry.table) {
        let pointer = ownCopy(entry, at: place.level)
        owed = owed.union(write(pointer, at: address, over: entry, place.level, root, place.isShared))
        entry = pointer
      }
      let shared = place.isShared || isShared(entry.table)
      if let below = place.below(entry.table, index, isShared: shared) {
        owed = owed.union(perform(edit, on: part, at: below, root: root, sharing))
      }
    }
    return owed
  }

  /// Stores an entry and says what that owes: the one root's tag, or everything if other roots see the change.
  mutating func write(
    _ new: EPTEntry, at address: HostPhysicalAddress, over old: EPTEntry, _ level: Level,
    _ root: HostPhysicalAddress, _ isShared: Bool
  ) -> InvalidationOwed.Scope {
    guard new != old else { return .none }
    memory.store(new.rawValue, at: address)
    guard EntryEdit(old, new, at: level).owesInvalidation(under: rules) else { return .none }
    return isShared ? .all : .single(EPTRTA(root.rawValue >> 12))
  }

  /// A table that maps what a large page mapped, page by page of the next size; the entry that refers to it.
  private mutating func splitPage(_ entry: EPTEntry, at level: Level) -> EPTEntry {
    let table = newTable()
    for index in UInt64(0)..<512 {
      memory.store(childLeaf(of: entry, at: level, index: index).rawValue, at: slot(index, of: table))
    }
    return EPTEntry(EPTEntry.table(table).rawValue | entry.rawValue & EPTEntry.accessedBit)
  }

  /// The leaf that takes over one part of a large page: everything kept but the address, and bit 7 in a PTE.
  private func childLeaf(of entry: EPTEntry, at level: Level, index: UInt64) -> EPTEntry {
    guard let below = level.below else { return entry }
    var bits = entry.rawValue | index << below.shift
    if below == .pte { bits &= ~EPTEntry.pageBit }
    return EPTEntry(bits)
  }

  /// A copy of a shared table for this hierarchy alone; the entry that refers to it.
  private mutating func ownCopy(_ entry: EPTEntry, at level: Level) -> EPTEntry {
    guard let below = level.below else { return entry }
    let copy = copyTable(entry.table, level: below)
    furtherOwners[entry.table, default: 1] -= 1
    return EPTEntry(entry.rawValue & ~EPTEntry.addressMask | copy.rawValue)
  }
}
