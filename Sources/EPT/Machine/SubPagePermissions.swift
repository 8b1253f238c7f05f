import Addresses

/// The write permissions of the 32 sub-pages, 128 bytes each, of a 4 KiB page: bit 2S for sub-page S; the odd bits are reserved.
@frozen @usableFromInline
package struct SubPageVector: RawRepresentable, Hashable, Sendable {
  /// The 64 bits.
  @usableFromInline package var rawValue: UInt64
  /// A vector from its bits.
  @inlinable package init(rawValue: UInt64) { self.rawValue = rawValue }

  /// Whether every sub-page that the bytes from `gpa` on touch is writable; bytes beyond the page are not looked at.
  @inlinable
  package func allows(_ gpa: GuestPhysicalAddress, byteCount: UInt16) -> Bool {
    let first = gpa.pageOffset >> 7
    let last = min(4095, gpa.pageOffset &+ UInt64(max(1, byteCount)) &- 1) >> 7
    for subPage in first...last where rawValue >> (2 * subPage) & 1 == 0 { return false }
    return true
  }
}

/// How a walk of the sub-page permission tables ends.
@frozen @usableFromInline
package enum SubPageWalk: Hashable, Sendable {
  /// At the vector of the page.
  case vector(SubPageVector)
  /// At an entry that is not valid: SPP miss.
  case miss
  /// At an entry or vector with a reserved bit set: SPP misconfiguration.
  case misconfiguration
}

extension EPTMachine {
  /// Walks the sub-page permission tables: three levels of entries, then the vector of the 4 KiB page.
  ///
  /// Source: SDM vol. 3C, "Sub-Page Write Permissions" with its figure and tables. An entry that is not valid is a miss whatever its other bits
  /// are; in a valid one bits 11:1 and 63:M are reserved.
  @inlinable @inline(never)
  mutating func subPageVector<Observer: WalkObserver>(
    _ gpa: GuestPhysicalAddress, _ observer: inout Observer
  ) -> SubPageWalk {
    let root = SubPageStart(
      table: HostPhysicalAddress(fields.spptp.rawValue & EPTEntry.addressMask), level: .pml4e)
    guard caches.isActive else { return walkSubPages(gpa, from: root, &observer) }
    if let vector = caches.vector(gpa, eptp.tag) { return .vector(SubPageVector(rawValue: vector)) }
    let start = caches.subPageStart(gpa, eptp.tag)
    let walk = walkSubPages(gpa, from: start ?? root, &observer)
    var vector: UInt64?
    if case .vector(let found) = walk {
      vector = found.rawValue
      caches.insertVector(found.rawValue, gpa, eptp.tag)
    }
    if start != nil { caches.noteUse(gpa, .subPages(vector)) }
    return walk
  }

  /// Walks the tables from one of them on, and caches those that it is referred to, if any are.
  @inlinable @inline(__always)
  mutating func walkSubPages<Observer: WalkObserver>(
    _ gpa: GuestPhysicalAddress, from start: SubPageStart, _ observer: inout Observer
  ) -> SubPageWalk {
    var start = start
    while let below = start.level.below {
      let address = HostPhysicalAddress(start.table.rawValue | start.level.index(of: gpa.rawValue) << 3)
      let entry = memory.load(address)
      observer.reference(.subPage, level: start.level.number, address: address, value: entry)
      if entry & 1 == 0 { return .miss }
      if entry & (0xffe | capabilities.physicalAddressWidth.beyond) != 0 { return .misconfiguration }
      let above = start.level
      start = SubPageStart(table: HostPhysicalAddress(entry & EPTEntry.addressMask), level: below)
      if caches.isActive { caches.insertSubPageTable(start, above, gpa, eptp.tag) }
    }
    let address = HostPhysicalAddress(start.table.rawValue | Level.pte.index(of: gpa.rawValue) << 3)
    let vector = memory.load(address)
    observer.reference(.subPage, level: 1, address: address, value: vector)
    return vector & 0xaaaa_aaaa_aaaa_aaaa == 0 ? .vector(SubPageVector(rawValue: vector)) : .misconfiguration
  }
}
