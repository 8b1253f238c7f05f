import Addresses
import GuestIntegrity

/// An attack on guest integrity: a program against the scripted machine, and what it is after.
public struct Attack: Sendable {
  /// "A1" and so on; a letter tells variants apart.
  public let id: String
  /// What the attacker does.
  public let name: String
  /// What the attacker has won if it succeeds, as the machine's state shows it afterwards.
  public let groundTruth: String
  /// How the machine is set up, beyond the mechanism.
  let setup: @Sendable (inout AttackSetup) -> Void
  let program: @Sendable (GuestMachine) -> AttackResult

  init(
    _ id: String, _ name: String, groundTruth: String,
    setup: @escaping @Sendable (inout AttackSetup) -> Void = { _ in },
    program: @escaping @Sendable (GuestMachine) -> AttackResult
  ) {
    self.id = id
    self.name = name
    self.groundTruth = groundTruth
    self.setup = setup
    self.program = program
  }

  /// Every attack, in order.
  public static let all: [Attack] =
    [
      callForeignly, enterFromOwnCode, patchDriverCode, editDriverData, editTree, redirectRoot, remapEntry,
      remapExit, craftRegisters,
    ]
    + [
      forgePageTables, forgeBehindCheckedGate, interruptDriver, writeFromOtherVCPU, writeByDevice, unmapProtected,
      remapKernel,
    ]
    + [remapKernelProtected, initialiseFirst, corruptTree, silenceDriver, switchFromUserMode, switchUnstripped]
    + [openViewFromUserMode]
    + [runIntoRange, straddlePages, setAccessedFlags]
}

/// How a machine is set up for an attack.
struct AttackSetup {
  var configuration: Configuration
  /// Whether the driver has registered, donated and protected before the attack.
  var isArmed = true
  /// Whether the driver has had the guest's page tables protected.
  var protectsPageTables = false
  /// What is done to the guest before the driver starts.
  var prepare: (GuestMachine) -> Void = { _ in }
  /// What else the driver protects: pages and region.
  var alsoProtects: [(PageRange, UInt16)] = []
}
