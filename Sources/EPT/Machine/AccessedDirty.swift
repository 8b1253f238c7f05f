import Addresses

extension EPTMachine {
  /// Sets the accessed and dirty flags that a permitted access still lacks, after the entry of the modification log that they may need.
  ///
  /// False if the entries changed since the walk, by another processor: the access must be walked again.
  @inlinable @inline(__always)
  mutating func setMissingFlags<Observer: WalkObserver>(
    _ access: GuestAccess, _ walk: EPTWalk, _ observer: inout Observer
  ) -> Bool {
    if regime.missingFlags(walk, access.kind) != 0 && !setFlags(access, walk, &observer) { return false }
    if caches.isActive { rememberPhysical(access, walk) }
    return true
  }

  /// Sets bit 8 in every entry used and, for what counts as a write, bit 9 in the leaf, top down, each by compare-and-exchange.
  ///
  /// Sources: SDM vol. 3C, "Accessed and Dirty Flags for EPT", "Page-Modification Logging": the log entry is the guest-physical address with
  /// bits 11:0 clear, written only if a dirty flag goes from 0 to 1; then the index is decremented modulo 2^16.
  @inlinable @inline(never)
  mutating func setFlags<Observer: WalkObserver>(
    _ access: GuestAccess, _ walk: EPTWalk, _ observer: inout Observer
  ) -> Bool {
    guard let path = path(of: access.gpa, to: walk, from: walkStart) else { return false }
    return setFlags(access, path, ignoringChanges: false, &observer)
  }

  /// Sets the flags of entries that were read before. Changes of other bits since then make it false, unless they are to be ignored because
  /// this very access made them.
  @inlinable
  mutating func setFlags<Observer: WalkObserver>(
    _ access: GuestAccess, _ path: EntryPath, ignoringChanges: Bool, _ observer: inout Observer
  ) -> Bool {
    let flags = regime.flags(of: access.kind)
    if enablesPML && flags & ~path.values[path.count - 1] & EPTEntry.dirtyBit != 0 {
      let slot = HostPhysicalAddress((fields.pmlAddress.rawValue & ~7) &+ UInt64(fields.pmlIndex) &* 8)
      let value = access.gpa.rawValue & ~0xfff
      memory.store(value, at: slot)
      observer.write(.modificationLog, address: slot, value: value)
      fields.pmlIndex &-= 1
    }
    for step in 0..<path.count {
      let wanted = step == path.count - 1 ? flags : EPTEntry.accessedBit
      let tolerated = ignoringChanges ? ~0 : EPTEntry.accessedBit | EPTEntry.dirtyBit
      guard
        let raised = memory.raise(
          wanted, in: path.values[step], at: path.addresses[step], tolerating: tolerated)
      else { return false }
      if let raised { observer.write(.eptFlags, address: path.addresses[step], value: raised) }
    }
    return true
  }

  /// By policy only: sets the accessed flags above the entry that ended a walk in a violation.
  @inlinable @inline(never)
  func setUpperFlags<Observer: WalkObserver>(
    _ gpa: GuestPhysicalAddress, _ walk: EPTWalk, _ observer: inout Observer
  ) {
    guard regime.hasFlags, let path = path(of: gpa, to: walk, from: walkStart) else { return }
    for step in 0..<max(0, path.count - 1) {
      let address = path.addresses[step]
      if let raised = memory.raise(EPTEntry.accessedBit, in: path.values[step], at: address, tolerating: ~0), let raised
      {
        observer.write(.eptFlags, address: address, value: raised)
      }
    }
  }

  /// Where the walk under way began.
  @inlinable var walkStart: WalkStart { caches.isActive ? caches.current.start : regime.root }

  /// The entries of a walk, top down, read again; nil if they no longer lead where the walk ended.
  @inlinable
  func path(of gpa: GuestPhysicalAddress, to walk: EPTWalk, from start: WalkStart) -> EntryPath? {
    guard walk.end != .addressTooWide else { return nil }
    var path = EntryPath()
    var table = start.table
    var level = start.level
    while true {
      let address = HostPhysicalAddress(table.rawValue | level.index(of: gpa.rawValue) << 3)
      let value = memory.load(address)
      path.append(value, at: address)
      if level == walk.level {
        let flags = EPTEntry.accessedBit | EPTEntry.dirtyBit
        return address == walk.entryAddress && (value ^ walk.entry.rawValue) & ~flags == 0 ? path : nil
      }
      guard regime.rules.isPresent(value), !regime.rules.mapsPage(value, level),
        !regime.rules.isMisconfiguredTable(value, level), let below = level.below
      else { return nil }
      table = EPTEntry(value).table
      level = below
    }
  }
}

extension PhysicalMemory {
  /// Sets flags in an entry that held `value` when it was read, by compare-and-exchange.
  ///
  /// Gives what was stored, `.some(nil)` if the flags were set meanwhile, and nil if a bit beyond the tolerated ones changed meanwhile.
  @inlinable
  func raise(
    _ wanted: UInt64, in value: UInt64, at address: HostPhysicalAddress, tolerating tolerated: UInt64
  ) -> UInt64?? {
    var value = value
    while value & wanted != wanted {
      let seen = compareExchange(at: address, expected: value, desired: value | wanted)
      if seen == value { return .some(value | wanted) }
      if (seen ^ value) & ~tolerated != 0 { return nil }
      value = seen
    }
    return .some(nil)
  }
}
