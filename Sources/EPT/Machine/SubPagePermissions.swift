import Addresses

/// What the sub-page permission table says of a write.
@frozen
public enum SubPageVerdict: UInt8, Hashable, Sendable {
  /// Every 128-byte sub-page written to is writable.
  case allowed
  /// One of them is not: an EPT violation.
  case denied
  /// A table entry on the way is not valid: SPP miss.
  case miss
  /// A reserved bit is set: SPP misconfiguration.
  case misconfiguration
}

/// A walk of the sub-page permission tables: three levels of entries and a vector of 32 write permissions for a 4 KiB page.
///
/// Source: SDM vol. 3C, "Sub-Page Write Permissions" ("SPPT Translation"). Even bit 2S of the vector allows writes to sub-page S
/// (bytes 128 S and following); the odd bits are reserved.
@inlinable
public func subPageVerdict<Memory: PhysicalMemory, Observer: WalkObserver>(
  _ gpa: GuestPhysicalAddress, byteCount: UInt64, root: HostPhysicalAddress, width: PhysicalAddressWidth,
  in memory: Memory, _ observer: inout Observer
) -> SubPageVerdict {
  var table = root.rawValue & EPTEntry.addressMask
  for level in [Level.pml4e, .pdpte, .pde] {
    let address = HostPhysicalAddress(table | level.index(of: gpa.rawValue) << 3)
    let entry = memory.load(address)
    observer.reference(.subPage, level: level.rawValue, address: address, value: entry)
    if entry & 1 == 0 { return .miss }
    if entry & (0xffe | width.beyond) != 0 { return .misconfiguration }
    table = entry & EPTEntry.addressMask
  }
  let address = HostPhysicalAddress(table | Level.pte.index(of: gpa.rawValue) << 3)
  let vector = memory.load(address)
  observer.reference(.subPage, level: 1, address: address, value: vector)
  if vector & 0xaaaa_aaaa_aaaa_aaaa != 0 { return .misconfiguration }
  let first = gpa.pageOffset >> 7
  let last = min(4095, gpa.pageOffset &+ max(1, byteCount) &- 1) >> 7
  for subPage in first...last where vector >> (2 * subPage) & 1 == 0 { return .denied }
  return .allowed
}
