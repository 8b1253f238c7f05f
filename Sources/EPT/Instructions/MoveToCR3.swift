import Addresses

/// What MOV to CR3 came to.
@frozen
public enum MoveToCR3Outcome: Hashable, Sendable {
  /// CR3 has the new value, and with PAE paging the PDPTE registers have theirs.
  case loaded
  /// #GP(0): a reserved bit of the value, or of an entry to be loaded.
  case generalProtection
  /// A load of a PDPTE register was refused.
  case refused(TranslationOutcome)
}

extension EPTMachine {
  /// Executes MOV to CR3 with its checks, in VMX non-root operation without CR3-load exiting.
  ///
  /// With PAE paging it loads the four PDPTE registers, each by a read without a linear address: a read even where EPT has accessed and dirty
  /// flags. After anything but `loaded` CR3 and the registers are as before. (SDM vol. 3A, "PDPTE Registers"; vol. 2, "MOV—Move
  /// to/from Control Registers"; vol. 3C, "EPT Violations".)
  public mutating func moveToCR3<Observer: WalkObserver>(
    checking source: UInt64, _ observer: inout Observer
  ) -> (outcome: MoveToCR3Outcome, stale: [StaleTranslation]) {
    let mode = guest.pagingMode
    guard mode.is32Bit else {
      // Bit 63 asks to keep what is cached, and is none of the value.
      let request: UInt64 = guest.processContextIDs ? 1 << 63 : 0
      guard source & capabilities.physicalAddressWidth.beyond & ~request == 0 else { return (.generalProtection, []) }
      moveToCR3(source)
      return (.loaded, [])
    }
    let value = source & 0xffff_ffff
    guard mode == .pae else {
      moveToCR3(value)
      return (.loaded, [])
    }
    var registers = PDPTERegisters()
    var stale: [StaleTranslation] = []
    for number in 0..<4 {
      let gpa = GuestPhysicalAddress(value & ~0x1f | UInt64(number) << 3)
      let answer = examined(.physical(GuestAccess(gpa, [.read, .pagingStructure])), &observer)
      if let found = answer.stale { stale.append(found) }
      guard case .translated(let translation) = answer.outcome else { return (.refused(answer.outcome), stale) }
      registers[number] = memory.load(translation.hpa)
      observer.reference(.guest, level: Level.pdpte.number, address: translation.hpa, value: registers[number])
    }
    guard (0..<4).allSatisfy({ capabilities.accepts(pdpte: registers[$0]) }) else { return (.generalProtection, stale) }
    guest.pdptes = registers
    moveToCR3(value)
    return (.loaded, stale)
  }
}

extension Capabilities {
  /// Whether a PDPTE register may hold a value: if it is present, bits 2:1, 8:5 and 63:M are reserved (SDM vol. 3A, table "Format of a PAE
  /// Page-Directory-Pointer-Table Entry").
  package func accepts(pdpte value: UInt64) -> Bool {
    value & GuestEntry.presentBit == 0 || value & (0x1e6 | physicalAddressWidth.beyond) == 0
  }
}
