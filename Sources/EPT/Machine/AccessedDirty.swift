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
      guard raise(wanted, in: path.values[step], at: path.addresses[step], &observer) else { return false }
    }
    return true
  }

  /// Sets flags in one entry; false if anything but its flags changed since it was read.
  @inlinable
  func raise<Observer: WalkObserver>(
    _ wanted: UInt64, in value: UInt64, at address: HostPhysicalAddress, _ observer: inout Observer
  ) -> Bool {
    var value = value
    while value & wanted != wanted {
      let seen = memory.compareExchange(at: address, expected: value, desired: value | wanted)
      if seen == value {
        observer.write(.eptFlags, address: address, value: value | wanted)
        return true
      }
      if (seen ^ value) & ~(EPTEntry.accessedBit | EPTEntry.dirtyBit) != 0 { return false }
      value = seen
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
      _ = raise(EPTEntry.accessedBit, in: path.values[step], at: path.addresses[step], &observer)
    }
  }

  /// Where the walk under way began.
  @inlinable var walkStart: WalkStart { caches.isActive ? caches.current.start : .root(regime.pointer) }

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

/// The entries of one walk, at most four, top down.
@frozen
@usableFromInline
struct EntryPath {
  @usableFromInline var addresses: InlineArray<4, HostPhysicalAddress> = .init(repeating: HostPhysicalAddress(0))
  @usableFromInline var values: InlineArray<4, UInt64> = .init(repeating: 0)
  @usableFromInline var count = 0

  @inlinable init() {}

  @inlinable
  mutating func append(_ value: UInt64, at address: HostPhysicalAddress) {
    addresses[count] = address
    values[count] = value
    count += 1
  }
}
