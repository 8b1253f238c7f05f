import Addresses

extension EPTMachine {
  /// Whether an EPT violation becomes a virtualization exception instead of an exit.
  ///
  /// Source: SDM vol. 3C, "Convertible EPT Violations" and "Virtualization-Exception Information". The entry that decides is the
  /// one that is not present, or the leaf; bit 63 of entries above has no meaning. An address too wide has no such entry: an exit.
  @usableFromInline
  func deliversException(_ violation: EPTViolation) -> Bool {
    guard controls.has(.eptViolationVE), violation.walk.end != .addressTooWide, !violation.walk.entry.suppressesVE,
      guest.protection, !guest.deliveringEvent, !guest.prematurelyBusyShadowStack,
      !violation.access.kind.contains(.asynchronous)
    else { return false }
    return memory.load(exceptionWord(0)) >> 32 == 0
  }

  /// The address of a 64-bit word of the information area; `offset` in bytes.
  private func exceptionWord(_ offset: UInt64) -> HostPhysicalAddress {
    HostPhysicalAddress((fields.exceptionInformation.rawValue & ~7) &+ offset)
  }

  /// Writes the information area by physical address, in ascending order, the first two fields as dwords, the EPTP index as 16 bits.
  ///
  /// Source: SDM vol. 3C, table "Format of the Virtualization-Exception Information Area".
  @usableFromInline
  func writeExceptionInformation<Observer: WalkObserver>(_ violation: EPTViolation, _ observer: inout Observer) {
    let index = memory.load(exceptionWord(32)) & ~0xffff | UInt64(fields.eptpIndex)
    let stores: [(UInt64, UInt64)] = [
      (0, 48), (0, 48 | 0xffff_ffff << 32), (8, violation.qualification.rawValue), (16, violation.gla.rawValue),
      (24, violation.gpa.rawValue), (32, index),
    ]
    for (offset, value) in stores {
      memory.store(value, at: exceptionWord(offset))
      observer.write(.exceptionInformation, address: exceptionWord(offset), value: value)
    }
  }
}
