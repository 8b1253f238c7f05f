/// What a hypercall leaves in RAX: 0 or a non-negative answer, or a ``HypercallError`` code.
@frozen
public struct HypercallResult: RawRepresentable, Hashable, Sendable {
  /// RAX as a signed number.
  public let rawValue: Int64

  /// A result from RAX.
  public init(rawValue: Int64) { self.rawValue = rawValue }

  /// Done.
  @inlinable public static var success: Self { Self(rawValue: 0) }
  /// A non-negative answer; bit 63 is cut off.
  public static func answer(_ value: UInt64) -> Self { Self(rawValue: Int64(value & (1 << 63 - 1))) }
  /// Refused; nothing was changed.
  public static func refused(_ error: HypercallError) -> Self { Self(rawValue: error.rawValue) }

  /// Whether the call was executed.
  public var isSuccess: Bool { rawValue >= 0 }
  /// Why the call was refused; nil if it was executed.
  public var error: HypercallError? { HypercallError(rawValue: rawValue) }
}

/// Why a hypercall was refused: the negative codes of the interface. A refused call has changed nothing.
public enum HypercallError: Int64, Error, CaseIterable, Sendable {
  /// RAX names no call.
  case unknownCall = -1
  /// Before GI_INIT, or after GI_SHUTDOWN.
  case notInitialised = -2
  /// GI_INIT has succeeded once since the guest booted.
  case alreadyInitialised = -3
  /// The call is not allowed in this vCPU's mode.
  case wrongMode = -4
  /// Executed at CPL 1...3.
  case notSupervisor = -5
  /// The instruction does not lie in GI code.
  case outsideGICode = -6
  /// The range has no page, runs past the last page number, or a reserved bit is set.
  case invalidRange = -7
  /// The range does not lie in guest memory.
  case outsideGuestMemory = -8
  /// The range covers GI code or GI data.
  case overlapsGuestIntegrity = -9
  /// The range covers pages donated to the tree.
  case overlapsTree = -10
  /// The range covers protected pages.
  case overlapsProtected = -11
  /// A reserved bit of the alert actions is set.
  case reservedActions = -12
  /// The region id is 0 where one is needed, or does not fit 16 bits.
  case invalidRegion = -13
  /// A page would be claimed by more regions than the tree can tell apart.
  case tooManyOwners = -14
  /// The change needs more tree pages than have been donated, or could be made available now.
  case outOfNodePages = -15
  /// The hypervisor has too few pages for EPT paging structures.
  case outOfTablePages = -16
  /// No tree page has been donated yet.
  case noTree = -17
  /// No page of the range is claimed by the region.
  case notProtected = -18
  /// A tree node on the way is not as the driver left it.
  case corruptTree = -19
  /// The entry or exit address does not lie in GI code.
  case invalidEntryPoint = -20
  /// GI_ENTER elsewhere than at the registered entry address.
  case wrongEntryAddress = -21
  /// The guest's page tables put the entry address on another page than the registered one.
  case wrongEntryPage = -22
  /// GI_ENTER with RFLAGS.IF = 1.
  case interruptsEnabled = -23
  /// GI_ENTER while an event is being delivered.
  case deliveringEvent = -24
  /// GI_ENTER with RFLAGS.TF = 1.
  case singleStepArmed = -25
  /// GI_ENTER outside 64-bit mode.
  case notLongMode = -26
  /// The entry page is not traced any more.
  case entryPageNotTraced = -27
  /// GI_EXIT elsewhere than at the registered exit address.
  case wrongExitAddress = -28
  /// GI_SHUTDOWN, and the configuration does not allow it.
  case shutdownNotAllowed = -29
  /// GI_QUERY for a counter that does not exist.
  case unknownCounter = -30
  /// The virtual machine is suspended or powered off.
  case notRunning = -31
  /// The vCPU number is not one of the machine's.
  case noSuchVCPU = -32
  /// VMFUNC for a table set that the guest may not put in force by itself.
  case noSuchSet = -33
}

extension HypercallError: CustomStringConvertible {
  /// What was found and what was expected, in a few words.
  public var description: String {
    switch self {
    case .unknownCall: "no such call"
    case .notInitialised: "guest integrity is not initialised"
    case .alreadyInitialised: "guest integrity is initialised already"
    case .wrongMode: "the call is not allowed in this mode"
    case .notSupervisor: "executed outside CPL 0"
    case .outsideGICode: "executed outside GI code"
    case .invalidRange: "the range is empty, too long or malformed"
    case .outsideGuestMemory: "the range lies outside guest memory"
    case .overlapsGuestIntegrity: "the range covers GI code or data"
    case .overlapsTree: "the range covers pages of the tree"
    case .overlapsProtected: "the range covers protected pages"
    case .reservedActions: "reserved alert-action bits are set"
    case .invalidRegion: "the region id is not usable"
    case .tooManyOwners: "too many regions would claim one page"
    case .outOfNodePages: "too few node pages have been donated"
    case .outOfTablePages: "no page is left for EPT paging structures"
    case .noTree: "no node page has been donated"
    case .notProtected: "nothing in the range is protected for the region"
    case .corruptTree: "a tree node is not as the driver left it"
    case .invalidEntryPoint: "entry or exit address outside GI code"
    case .wrongEntryAddress: "not the registered entry address"
    case .wrongEntryPage: "the entry address is mapped to another page"
    case .interruptsEnabled: "interrupts are enabled"
    case .deliveringEvent: "an event is being delivered"
    case .singleStepArmed: "a single step is armed"
    case .notLongMode: "not in 64-bit mode"
    case .entryPageNotTraced: "the entry page is not traced"
    case .wrongExitAddress: "not the registered exit address"
    case .shutdownNotAllowed: "shutdown is not allowed"
    case .unknownCounter: "no such counter"
    case .notRunning: "the virtual machine is stopped"
    case .noSuchVCPU: "no such vCPU"
    case .noSuchSet: "no table set to be put in force by VMFUNC"
    }
  }
}
