import Addresses

extension GuestState {
  /// The guest's PML4 table: CR3 bits 51:12.
  @inlinable var tables: GuestPhysicalAddress { GuestPhysicalAddress(cr3 & EPTEntry.addressMask) }
}

extension EPTMachine {
  /// Walks the guest's tables down to the leaf: EPT for each entry's address, then presence, then reserved bits.
  ///
  /// `isPlain` says at compile time that the processor ``isPlain``, and that the walk begins at the root.
  @inlinable @inline(__always)
  mutating func walkGuest<Observer: WalkObserver>(
    _ linear: GuestLinearAddress, _ kind: AccessKind, user: Bool, from place: inout GuestPlace, isPlain: Bool,
    _ observer: inout Observer
  ) -> GuestWalkEnd {
    while true {
      let level = place.level
      let offset = level.index(of: linear.rawValue) << 3
      let gpa = GuestPhysicalAddress(place.table.rawValue | offset)
      let walk: EPTWalk
      if isPlain {
        walk = regime.rules.walk(gpa, from: .root(regime.pointer), in: memory, &observer)
      } else {
        walk = place.tableWalk ?? self.walk(GuestAccess(gpa, .pagingRead, gla: linear), &observer)
        place.tableWalk = nil
      }
      if !(isPlain && regime.permits(.pagingRead, walk)), let end = reach(gpa, linear, walk, &observer) { return end }
      if !isPlain && caches.isActive { noteTable(gpa, walk, level, place.page) }

      let hpa = HostPhysicalAddress(walk.address(of: place.table).rawValue & EPTEntry.addressMask | offset)
      let entry = memory.load(hpa)
      observer.reference(.guest, level: level.number, address: hpa, value: entry)
      if !guest.isPlain(entry, at: level, kind, regime.rules),
        let outcome = examine(entry, at: hpa, gpa, walk, level, linear, kind, user)
      {
        return .refused(outcome)
      }
      place.page.add(entry, in: walk.entry)
      guard let below = level.below, !GuestEntry(entry).mapsPage(at: level) else {
        place.page.lead(to: GuestEntry(entry | guest.flags(of: kind, isLeaf: true)), at: level, linear)
        return .page
      }
      place.table = GuestPhysicalAddress(entry & EPTEntry.addressMask)
      place.level = below
    }
  }

  /// Judges the access to a guest entry and sets the EPT flags it needs: nil if the entry may be read.
  @inlinable @inline(never)
  mutating func reach<Observer: WalkObserver>(
    _ gpa: GuestPhysicalAddress, _ linear: GuestLinearAddress, _ walk: EPTWalk, _ observer: inout Observer
  ) -> GuestWalkEnd? {
    let access = GuestAccess(gpa, .pagingRead, gla: linear)
    if case .refused(let outcome) = check(access, walk, &observer) { return .refused(outcome) }
    return setMissingFlags(access, walk, &observer) ? nil : .changed
  }

  /// Judges a guest entry in full and notes the flags it lacks: nil if it is good.
  @inlinable @inline(never)
  mutating func examine(
    _ entry: UInt64, at hpa: HostPhysicalAddress, _ gpa: GuestPhysicalAddress, _ walk: EPTWalk, _ level: Level,
    _ linear: GuestLinearAddress, _ kind: AccessKind, _ user: Bool
  ) -> TranslationOutcome? {
    let isPresent = entry & GuestEntry.presentBit != 0
    if !isPresent || guest.reservedBits(entry, at: level, regime.rules) != 0 {
      return fault(guest.faultCode(kind, user: user, protection: isPresent, reserved: isPresent), linear)
    }
    let wanted = guest.flags(of: kind, isLeaf: GuestEntry(entry).mapsPage(at: level))
    if entry & wanted != wanted {
      guestUpdates.append(FlagUpdate(gpa: gpa, hpa: hpa, value: entry, wanted: wanted, walk: walk))
    }
    return nil
  }
}
