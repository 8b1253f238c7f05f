import Addresses

/// Where a walk of the guest's tables begins.
@frozen
@usableFromInline
struct GuestStart {
  /// The table's guest-physical address.
  @usableFromInline var table: GuestPhysicalAddress
  /// The level of its entries.
  @usableFromInline var level = Level.pml4e
  /// How EPT translated the table, if a paging-structure cache remembers.
  @usableFromInline var tableWalk: EPTWalk?
  /// The rights gathered on the way.
  @usableFromInline var page = GuestTranslation()

  @inlinable @inline(__always)
  init(_ table: GuestPhysicalAddress) { self.table = table }
}

extension GuestState {
  /// The guest's PML4 table: CR3 bits 51:12.
  @inlinable var tables: GuestPhysicalAddress { GuestPhysicalAddress(cr3 & EPTEntry.addressMask) }
}

/// How a walk of the guest's tables ends.
@frozen
@usableFromInline
enum GuestWalkEnd {
  case page(GuestTranslation)
  case refused(TranslationOutcome)
  case changed
}

extension EPTMachine {
  /// Walks the guest's tables down to the leaf: EPT for each entry's address, then presence, then reserved bits.
  ///
  /// `isPlain` says at compile time that the processor ``isPlain``, and that the walk begins at the root.
  @inlinable @inline(__always)
  mutating func walkGuest<Observer: WalkObserver>(
    _ linear: GuestLinearAddress, _ kind: AccessKind, user: Bool, from start: GuestStart, isPlain: Bool,
    _ observer: inout Observer
  ) -> GuestWalkEnd {
    var page = start.page
    var table = start.table.rawValue
    var level = start.level
    var tableWalk = start.tableWalk
    let plainTable = guest.plainTableMask(regime.rules)
    while true {
      let gpa = GuestPhysicalAddress(table | level.index(of: linear.rawValue) << 3)
      let access = GuestAccess(gpa, .pagingRead, gla: linear)
      let walk: EPTWalk
      if isPlain {
        walk = regime.rules.walk(gpa, from: .root(regime.pointer), in: memory, &observer)
      } else {
        walk = tableWalk ?? self.walk(access, &observer)
        tableWalk = nil
      }
      if !(isPlain && regime.permits(.pagingRead, walk)), let end = reach(access, walk, level, page, &observer) {
        return end
      }
      let hpa = walk.address(of: gpa)
      let entry = memory.load(hpa)
      observer.reference(.guest, level: level.number, address: hpa, value: entry)
      page.add(entry, in: walk.entry)
      if entry & plainTable == GuestEntry.presentBit | GuestEntry.accessedBit, let below = level.below {
        table = entry & EPTEntry.addressMask
        level = below
        continue
      }

      let isLeaf = GuestEntry(entry).mapsPage(at: level)
      let wanted =
        isLeaf && kind.contains(.write) ? GuestEntry.accessedBit | GuestEntry.dirtyBit : GuestEntry.accessedBit
      let due = GuestEntry.presentBit | wanted
      let reserved = guest.reservedBits(entry, at: level, regime.rules)
      if entry & due != due || reserved != 0 {
        if entry & GuestEntry.presentBit == 0 || reserved != 0 {
          return .refused(fault(linear, kind, user: user, isPresent: entry & GuestEntry.presentBit != 0))
        }
        guestUpdates.append(FlagUpdate(gpa: gpa, hpa: hpa, value: entry, wanted: wanted, walk: walk))
      }
      guard !isLeaf, let below = level.below else {
        let offset = level.offsetMask
        page.level = level
        page.leaf = GuestEntry(entry | wanted)
        page.gpa = GuestPhysicalAddress(entry & EPTEntry.addressMask & ~offset | linear.rawValue & offset)
        return .page(page)
      }
      table = entry & EPTEntry.addressMask
      level = below
    }
  }

  /// Judges the access to a guest entry, sets the EPT flags it needs and notes the table: nil if the entry may be read.
  @inlinable @inline(never)
  mutating func reach<Observer: WalkObserver>(
    _ access: GuestAccess, _ walk: EPTWalk, _ level: Level, _ page: GuestTranslation, _ observer: inout Observer
  ) -> GuestWalkEnd? {
    if case .refused(let outcome) = check(access, walk, &observer) { return .refused(outcome) }
    guard setMissingFlags(access, walk, &observer) else { return .changed }
    if caches.isActive { noteTable(access, walk, level, page) }
    return nil
  }

  /// The page fault of an entry that is not present, or has a reserved bit set.
  @inlinable @inline(never)
  mutating func fault(
    _ linear: GuestLinearAddress, _ kind: AccessKind, user: Bool, isPresent: Bool
  ) -> TranslationOutcome {
    fault(guest.faultCode(kind, user: user, protection: isPresent, reserved: isPresent), linear)
  }
}
