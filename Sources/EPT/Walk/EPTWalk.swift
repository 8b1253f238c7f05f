import Addresses

/// How far a walk of the EPT paging structures came, and what it gathered on the way, in four words. Rights are not judged here.
@frozen
public struct EPTWalk: Hashable, Sendable {
  /// Where a walk ends.
  @frozen
  public enum End: UInt8, Sendable {
    /// At a leaf: the entry maps a page.
    case page
    /// At an entry that is not present.
    case notPresent
    /// At a misconfigured entry.
    case misconfigured
    /// Before any entry: the guest-physical address has bits beyond 47, with page-walk length 5 beyond 51.
    case addressTooWide
  }

  /// Where the walk ended.
  public var end: End
  /// The level of ``entry``.
  public var level: Level
  /// The deciding entry: the leaf, or the one that stopped the walk; 0 if the address was too wide.
  public var entry: EPTEntry
  /// Where the deciding entry lies.
  public var entryAddress: HostPhysicalAddress
  /// The AND of the entries that refer to tables, the leaf not included; all ones if there were none.
  @usableFromInline package var grantedAboveLeaf: UInt64

  /// A walk from its parts.
  @inlinable @inline(__always)
  init(
    _ end: End, _ level: Level, _ entry: UInt64, at entryAddress: HostPhysicalAddress, above: UInt64
  ) {
    self.end = end
    self.level = level
    self.entry = EPTEntry(entry)
    self.entryAddress = entryAddress
    grantedAboveLeaf = above
  }

  /// The AND of all entries used, the leaf included.
  @inlinable @inline(__always)
  package var granted: UInt64 { grantedAboveLeaf & entry.rawValue }

  /// Takes accessed and dirty flags of the entries used as set.
  @inlinable
  mutating func assume(_ flags: UInt64) {
    entry.rawValue |= flags
    grantedAboveLeaf |= flags
  }

  /// The AND of the rights over all entries, as bits 6:3 of an exit qualification report it; empty unless a leaf was reached.
  @inlinable public var rights: Rights { end == .page ? Rights(entryBits: granted) : [] }

  /// Where a guest-physical address lands in the page of the leaf.
  @inlinable @inline(__always)
  public func address(of gpa: GuestPhysicalAddress) -> HostPhysicalAddress {
    // The next reference waits for this address: for a small page two instructions, where the level is known by prediction.
    if level < .pde { return HostPhysicalAddress(entry.rawValue & EPTEntry.addressMask | gpa.rawValue & 0xfff) }
    let offset = level.offsetMask
    return HostPhysicalAddress(entry.rawValue & EPTEntry.addressMask & ~offset | gpa.rawValue & offset)
  }
}

/// Where a walk begins: at the root, or below it with what a paging-structure cache remembers.
@frozen
public struct WalkStart: Hashable, Sendable {
  /// The table to read first.
  public var table: HostPhysicalAddress
  /// The level of that table's entries.
  public var level: Level
  /// The walk has five levels, wherever it begins.
  @usableFromInline package var hasFiveLevels: Bool
  /// The AND of the entries that led to the table; all ones at the root.
  @usableFromInline package var granted: UInt64

  /// A start from its parts.
  @inlinable
  public init(table: HostPhysicalAddress, level: Level, granted: UInt64, hasFiveLevels: Bool = false) {
    self.table = table
    self.level = level
    self.hasFiveLevels = hasFiveLevels
    self.granted = granted
  }

  /// The start of a full walk of four levels; `EPTRegime.root` is that of any.
  @inlinable @inline(__always)
  public static func root(_ pointer: EPTPointer) -> WalkStart {
    WalkStart(table: pointer.root, level: .pml4e, granted: ~0)
  }
}

extension EntryRules {
  /// Walks the EPT paging structures for a guest-physical address: presence and misconfiguration, level by level.
  ///
  /// Source: SDM vol. 3C, "EPT Translation Mechanism" and "EPT Misconfigurations". In this order, and a later step never precedes an earlier:
  /// a wide address stops the walk before any entry is read; an entry that is not present stops it; then one that is misconfigured;
  /// a good entry leads on. Rights are gathered and judged by the caller once the leaf is reached.
  @inlinable @inline(__always)
  public func walk<Memory: PhysicalMemory, Observer: WalkObserver>(
    _ gpa: GuestPhysicalAddress, from start: WalkStart, in memory: Memory, _ observer: inout Observer
  ) -> EPTWalk {
    guard gpa.rawValue >> 48 == 0, start.level < .pml5e else { return walk(beyond: gpa, start, memory, &observer) }
    var at = start
    if start.level >= .pml4e, let walk = step(.pml4e, gpa, &at, memory, &observer) { return walk }
    if start.level >= .pdpte, let walk = step(.pdpte, gpa, &at, memory, &observer) { return walk }
    if start.level >= .pde, let walk = step(.pde, gpa, &at, memory, &observer) { return walk }
    let (address, entry) = read(.pte, gpa, at.table, memory, &observer)
    if isPlainPage(entry, .pte) { return EPTWalk(.page, .pte, entry, at: address, above: at.granted) }
    return walk(on: gpa, from: entry, at: address, .pte, above: at.granted, memory, &observer)
  }

  /// Walks for an address, or from a level, that there is with five levels only.
  @inlinable @inline(never)
  func walk<Memory: PhysicalMemory, Observer: WalkObserver>(
    beyond gpa: GuestPhysicalAddress, _ start: WalkStart, _ memory: Memory, _ observer: inout Observer
  ) -> EPTWalk {
    guard gpa.rawValue >> (start.hasFiveLevels ? 52 : 48) == 0 else {
      return EPTWalk(.addressTooWide, .pml4e, 0, at: start.table, above: 0)
    }
    let (address, entry) = read(start.level, gpa, start.table, memory, &observer)
    return walk(on: gpa, from: entry, at: address, start.level, above: start.granted, memory, &observer)
  }

  /// Reads the entry of one of the upper levels: nil, and the place moved on, if it is a plain reference to a table; else the whole walk.
  @inlinable @inline(__always)
  func step<Memory: PhysicalMemory, Observer: WalkObserver>(
    _ level: Level, _ gpa: GuestPhysicalAddress, _ place: inout WalkStart, _ memory: Memory, _ observer: inout Observer
  ) -> EPTWalk? {
    let (address, entry) = read(level, gpa, place.table, memory, &observer)
    if isPlainTable(entry) {
      place.granted &= entry
      place.table = HostPhysicalAddress(entry & EPTEntry.addressMask)
      return nil
    }
    if level < .pml4e && mapsPage(entry, level) && isPlainPage(entry, level) {
      return EPTWalk(.page, level, entry, at: address, above: place.granted)
    }
    return walk(on: gpa, from: entry, at: address, level, above: place.granted, memory, &observer)
  }

  /// Reads the entry of a table that a guest-physical address selects.
  @inlinable @inline(__always)
  func read<Memory: PhysicalMemory, Observer: WalkObserver>(
    _ level: Level, _ gpa: GuestPhysicalAddress, _ table: HostPhysicalAddress, _ memory: Memory,
    _ observer: inout Observer
  ) -> (address: HostPhysicalAddress, entry: UInt64) {
    let address = HostPhysicalAddress(table.rawValue | level.index(of: gpa.rawValue) << 3)
    let entry = memory.load(address)
    observer.reference(.ept, level: level.number, address: address, value: entry)
    return (address, entry)
  }

  /// Walks on from an entry that was read and is not plain: every rule in full.
  @inlinable @inline(never)
  func walk<Memory: PhysicalMemory, Observer: WalkObserver>(
    on gpa: GuestPhysicalAddress, from entry: UInt64, at address: HostPhysicalAddress, _ level: Level,
    above granted: UInt64, _ memory: Memory, _ observer: inout Observer
  ) -> EPTWalk {
    var (address, entry, level, granted) = (address, entry, level, granted)
    while true {
      guard isPresent(entry) else { return EPTWalk(.notPresent, level, entry, at: address, above: granted) }
      guard !mapsPage(entry, level), let below = level.below else {
        let end: EPTWalk.End = isMisconfiguredPage(entry, level) ? .misconfigured : .page
        return EPTWalk(end, level, entry, at: address, above: granted)
      }
      if isMisconfiguredTable(entry, level) {
        return EPTWalk(.misconfigured, level, entry, at: address, above: granted)
      }
      granted &= entry
      level = below
      (address, entry) = read(level, gpa, EPTEntry(entry).table, memory, &observer)
    }
  }
}
