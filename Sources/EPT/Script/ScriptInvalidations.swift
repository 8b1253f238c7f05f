import Addresses

/// Lines that invalidate: what the guest does to its own translations, and what goes with leaving it and entering it.
extension WalkScript {
  /// INVLPG; answers nothing.
  mutating func invlpg(_ line: ScriptLine) throws(ScriptError) {
    try line.expect("LADDR")
    machine.invlpg(GuestLinearAddress(try line.hex(1, "LADDR")))
  }

  /// INVPCID: `OK`, or `GP` and nothing changed.
  mutating func invpcid(_ line: ScriptLine, _ answer: inout ScriptAnswer) throws(ScriptError) {
    try line.expect("TYPE", "PCID", "LADDR")
    let (type, pcid) = (try line.hex(1, "TYPE"), try line.hex(2, "PCID"))
    let linear = GuestLinearAddress(try line.hex(3, "LADDR"))
    answer.text(machine.invpcid(type: type, pcid: pcid, linear: linear) ? "OK\n" : "GP\n")
  }

  /// The hypervisor writes to the VMCS, between a VM exit and a VM entry: each invalidates by the controls at its time.
  mutating func writeVMCS(_ write: (inout EPTMachine<SparseMemory>) -> Void) {
    machine.vmTransition()
    write(&machine)
    machine.vmTransition()
  }
}

extension EPTMachine {
  /// Takes over guest registers, with the flushes that such changes bring: MOV to CR3 drops what belongs to the PCID but global translations,
  /// a change of what shapes translations drops everything of the current VPID.
  mutating func adopt(_ guest: GuestState, cr3: UInt64?) {
    let flushes = guest.pagingMode != self.guest.pagingMode || guest.shape != self.guest.shape
    self.guest = guest
    if let cr3 { moveToCR3(cr3) }
    if flushes { flushGuestMappings() }
  }
}

extension GuestState {
  /// The registers that cached translations depend on; privilege and AC are looked at in each access.
  fileprivate var shape: [Bool] { [pageSizeExtensions, globalPages, processContextIDs, smep, writeProtect, noExecute] }
}
