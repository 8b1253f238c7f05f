import Addresses

extension EPTMachine {
  /// Sets the guest's accessed and dirty flags, top down, each a write to a guest paging-structure entry through EPT.
  ///
  /// With EPTP bit 6 = 0 this is where such a write is judged: a page of the guest's tables that EPT does not let be written gives a
  /// violation with bits 1:0 = 11 and bit 8 = 0. With bit 6 = 1 the read was judged as a write already.
  @inlinable @inline(never)
  mutating func updateGuestFlags<Observer: WalkObserver>(
    _ linear: GuestLinearAddress, _ observer: inout Observer
  ) -> FlagUpdateEnd {
    let kind: AccessKind = [.write, .linear, .pagingStructure]
    for step in 0..<min(5, guestUpdates.count) {
      let update = guestUpdates.items[step]
      let denial = regime.denial(kind, update.walk)
      if !denial.isEmpty {
        return .refused(refuse(GuestAccess(update.gpa, kind, gla: linear), update.walk, denial, &observer))
      }
      // Flags may have been set meanwhile: by another processor, or by this access in a table that serves at two levels.
      // A word may hold two entries of 4 bytes.
      let guest = GuestEntry.accessedBit | GuestEntry.dirtyBit
      let flags = guest | guest << 32 | EPTEntry.accessedBit | EPTEntry.dirtyBit
      guard let raised = memory.raise(update.wanted, in: update.value, at: update.hpa, tolerating: flags) else {
        return .changed
      }
      if let raised { observer.write(.guestFlags, address: update.hpa, value: raised) }
    }
    return .done
  }

  /// Sets the flags of the guest entry for which EPT has just refused the walker its update: what a hypervisor does that lets the update
  /// through, by its own mapping of guest memory. False if the last access was not refused there.
  package mutating func emulateFlagUpdate(at gpa: GuestPhysicalAddress) -> Bool {
    for step in 0..<min(5, guestUpdates.count) where guestUpdates.items[step].gpa == gpa {
      let update = guestUpdates.items[step]
      return memory.raise(update.wanted, in: update.value, at: update.hpa, tolerating: ~0) != nil
    }
    return false
  }
}
