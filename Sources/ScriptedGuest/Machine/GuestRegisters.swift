import Addresses
import GuestIntegrity

/// The registers of a scripted vCPU, as far as guest integrity can tell them apart.
package struct GuestRegisters: Hashable, Sendable {
  /// RIP.
  package var rip: GuestLinearAddress
  /// RSP.
  package var rsp: UInt64
  /// CR3.
  package var cr3: UInt64
  /// RFLAGS.
  package var rflags: UInt64
  /// Current privilege level, 0...3.
  package var cpl: UInt8
  /// Base of the interrupt-descriptor table.
  package var idtBase: UInt64
  /// Limit of the interrupt-descriptor table.
  package var idtLimit: UInt64

  /// Registers by value; interrupts are enabled.
  package init(
    rip: GuestLinearAddress, rsp: UInt64, cr3: UInt64, rflags: UInt64 = 0x202, cpl: UInt8 = 0, idtBase: UInt64,
    idtLimit: UInt64
  ) {
    self.rip = rip
    self.rsp = rsp
    self.cr3 = cr3
    self.rflags = rflags
    self.cpl = cpl
    self.idtBase = idtBase
    self.idtLimit = idtLimit
  }

  /// RFLAGS.IF: maskable interrupts come in.
  package var interruptsEnabled: Bool {
    get { rflags & 0x200 != 0 }
    set { rflags = newValue ? rflags | 0x200 : rflags & ~0x200 }
  }

  /// The registers that integrity mode replaces.
  var context: ContextRegisters {
    get { ContextRegisters(cr3: cr3, rsp: rsp, idtBase: idtBase, idtLimit: idtLimit) }
    set { (cr3, rsp, idtBase, idtLimit) = (newValue.cr3, newValue.rsp, newValue.idtBase, newValue.idtLimit) }
  }
}
