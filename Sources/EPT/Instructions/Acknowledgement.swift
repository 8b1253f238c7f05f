import Addresses

/// What software does with what the processor has left in memory for it.
extension EPTMachine {
  /// Takes what the page-modification log holds, oldest first, and makes it empty (SDM vol. 3C, "Page-Modification Logging").
  package mutating func takeModificationLog() -> [GuestPhysicalAddress] {
    // Entries lie above the index, which wraps below 0 when the log is full; the oldest is the last slot.
    let first = Int(fields.pmlIndex &+ 1)
    defer { fields.pmlIndex = 511 }
    guard first <= 511 else { return [] }
    return (first...511).reversed().map { slot in
      GuestPhysicalAddress(memory.load(HostPhysicalAddress((fields.pmlAddress.rawValue & ~7) + UInt64(slot) * 8)))
    }
  }

  /// The handler has read the virtualization-exception information area: the next exception may be delivered
  /// (SDM vol. 3C, "Delivery of Virtualization Exceptions").
  package func acknowledgeException() {
    let area = HostPhysicalAddress(fields.exceptionInformation.rawValue & ~7)
    memory.store(memory.load(area) & 0xffff_ffff, at: area)
  }
}
