import Addresses

extension GuestState {
  /// The guest's PML4 table: CR3 bits 51:12.
  @inlinable var tables: GuestPhysicalAddress { GuestPhysicalAddress(cr3 & EPTEntry.addressMask) }
}

extension EPTMachine {
  /// Walks the guest's tables down to the leaf: EPT for each entry's address, then presence, then reserved bits.
  ///
  /// The format says at compile time whether the processor ``isPlain``, and the walk begins at the root then.
  @inlinable @inline(__always)
  mutating func walkGuest<Format: GuestFormat, Observer: WalkObserver>(
    _ linear: GuestLinearAddress, _ kind: AccessKind, user: Bool, from place: inout GuestPlace, _ format: Format,
    _ observer: inout Observer
  ) -> GuestWalkEnd {
    while true {
      let level = place.level
      let offset = format.offset(linear, level)
      let gpa = GuestPhysicalAddress(place.table.rawValue | offset)
      let walk: EPTWalk
      if Format.isPlain {
        walk = regime.rules.walk(gpa, from: .root(regime.pointer), in: memory, &observer)
      } else {
        walk = place.tableWalk ?? self.walk(GuestAccess(gpa, .pagingRead, gla: linear), &observer)
        place.tableWalk = nil
      }
      if !(Format.isPlain && regime.permits(.pagingRead, walk)), let end = reach(gpa, linear, walk, &observer) {
        return end
      }
      if !Format.isPlain && caches.isActive { noteTable(gpa, walk, level, place.page) }

      let hpa = HostPhysicalAddress(walk.address(of: place.table).rawValue & EPTEntry.addressMask | offset)
      let entry = format.entry(
        of: memory.load(Format.isPlain ? hpa : HostPhysicalAddress(hpa.rawValue & ~7)), at: offset)
      observer.reference(.guest, level: level.number, address: hpa, value: entry)
      if !format.isPlain(entry, at: level, kind, guest, regime.rules),
        let outcome = examine(entry, at: hpa, gpa, walk, level, linear, kind, user)
      {
        return .refused(outcome)
      }
      guard let below = level.below, !format.mapsPage(entry, at: level) else {
        if !Format.isPlain { place.page.noteShadowStack(leaf: entry) }
        place.page.add(entry, in: walk.entry)
        format.lead(&place.page, to: entry, with: guest.flags(of: kind, isLeaf: true), at: level, linear)
        return .page
      }
      place.page.add(entry, in: walk.entry)
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
    let paging = GuestPaging(guest, capabilities)
    let isPresent = entry & GuestEntry.presentBit != 0
    if !isPresent || paging.reservedBits(entry, at: level) != 0 {
      return fault(guest.faultCode(kind, user: user, protection: isPresent, reserved: isPresent), linear)
    }
    let wanted = guest.flags(of: kind, isLeaf: paging.mapsPage(entry, at: level))
    if entry & wanted != wanted {
      let update = paging.flags(wanted, in: hpa)
      var value = entry
      if paging.isNarrow {
        // The other half as it is, this one as it was read.
        let (half, up) = (UInt64(0xffff_ffff), (hpa.rawValue & 4) << 3)
        value = memory.load(update.word) & ~(half << up) | entry << up
      }
      guestUpdates.append(FlagUpdate(gpa: gpa, hpa: update.word, value: value, wanted: update.wanted, walk: walk))
    }
    return nil
  }
}

extension GuestTranslation {
  /// Notes, before the leaf is taken in, whether the address is a shadow-stack address.
  @inlinable
  mutating func noteShadowStack(leaf: UInt64) {
    isShadowStack = isWritable && leaf & (GuestEntry.writableBit | GuestEntry.dirtyBit) == GuestEntry.dirtyBit
  }
}
