import Addresses

/// One hypercall as the processor hands it to the hypervisor: the registers, and where the instruction lies.
@frozen
public struct Hypercall: Hashable, Sendable {
  /// RAX: which call (``HypercallNumber``), any value.
  public var number: UInt64
  /// RDI, first argument.
  public var rdi: UInt64
  /// RSI, second argument.
  public var rsi: UInt64
  /// RDX, third argument.
  public var rdx: UInt64
  /// R10, fourth argument.
  public var r10: UInt64
  /// Linear address of the instruction.
  public var rip: GuestLinearAddress
  /// Where the guest's page tables put that address at this moment.
  public var ripAddress: GuestPhysicalAddress
  /// RFLAGS.
  public var rflags: UInt64
  /// Current privilege level, 0...3.
  public var cpl: UInt8
  /// CR3.
  public var cr3: UInt64
  /// What else of the processor's state the entry checks look at.
  public var state: ProcessorState
  /// When, on the caller's clock (instructions retired by the vCPU); copied into event records.
  public var time: UInt64

  /// A hypercall from its registers.
  public init(
    number: UInt64, rdi: UInt64 = 0, rsi: UInt64 = 0, rdx: UInt64 = 0, r10: UInt64 = 0, rip: GuestLinearAddress,
    ripAddress: GuestPhysicalAddress, rflags: UInt64 = 0x2, cpl: UInt8 = 0, cr3: UInt64 = 0,
    state: ProcessorState = .longMode, time: UInt64 = 0
  ) {
    self.number = number
    self.rdi = rdi
    self.rsi = rsi
    self.rdx = rdx
    self.r10 = r10
    self.rip = rip
    self.ripAddress = ripAddress
    self.rflags = rflags
    self.cpl = cpl
    self.cr3 = cr3
    self.state = state
    self.time = time
  }

  /// Whether RFLAGS.IF lets maskable interrupts in.
  public var interruptsEnabled: Bool { rflags & 1 << 9 != 0 }
  /// Whether RFLAGS.TF arms a single step.
  public var singleStepArmed: Bool { rflags & 1 << 8 != 0 }
}

/// The calls of the guest-integrity interface, by the number in RAX.
public enum HypercallNumber: UInt64, CaseIterable, Sendable {
  /// RDI code range, RSI data range (``PackedRange``), RDX entry address, R10 exit address. Normal mode, once.
  case initialise = 0x4749_0001
  /// Executed at the registered entry address; normal mode.
  case enter = 0x4749_0002
  /// Executed at the registered exit address; integrity mode.
  case exit = 0x4749_0003
  /// RDI first page number, RSI pages, RDX alert actions, R10 region id; integrity mode.
  case protect = 0x4749_0004
  /// RDI first page number, RSI pages, R10 region id (0 = every region's claim); integrity mode.
  case unprotect = 0x4749_0005
  /// RDI first page number, RSI pages, RDX alert actions, R10 region id (0 = every region's); integrity mode.
  case setAction = 0x4749_0006
  /// RDI first page number, RSI pages that join the tree's node pool; integrity mode.
  case donateNode = 0x4749_0007
  /// RDI page number, or counter number with bit 63 set; any mode.
  case query = 0x4749_0008
  /// Ends all protection where the configuration allows it; integrity mode.
  case shutdown = 0x4749_0009

  /// Whether the call changes what is protected, so that the mode must be examined before it is executed.
  public var isMutating: Bool {
    switch self {
    case .protect, .unprotect, .setAction, .donateNode, .shutdown: true
    case .initialise, .enter, .exit, .query: false
    }
  }
}

/// Bits of processor state beside the registers, as the entry checks need them.
@frozen
public struct ProcessorState: OptionSet, Hashable, Sendable {
  /// The bits.
  public let rawValue: UInt8
  /// State from its bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The processor is in 64-bit mode.
  @inlinable public static var longMode: Self { Self(rawValue: 1 << 0) }
  /// An event is being delivered through the IDT.
  @inlinable public static var deliveringEvent: Self { Self(rawValue: 1 << 1) }
}
