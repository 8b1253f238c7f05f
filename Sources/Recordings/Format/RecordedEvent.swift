import Addresses

/// What lies between runs: everything recorded that is not a store.
public enum RecordedEvent: Hashable, Sendable {
  /// The guest executed the hypercall marker.
  case hypercall(Hypercall)
  /// The guest loaded CR3.
  case cr3(CR3Load)
  /// The guest's tables map a linear page, as found when it was first stored to.
  case map(LinearMapping)
  /// A named point of the recording: kernel phase, workload step, attack.
  case mark(Mark)
  /// The vCPU halts until it is interrupted.
  case halt(Halt)
  /// The guest changed a register that decides how it pages.
  case control(ControlChange)

  /// The vCPU it happened on.
  public var vcpu: Int {
    switch self {
    case .hypercall(let call): call.vcpu
    case .cr3(let load): load.vcpu
    case .map(let mapping): mapping.vcpu
    case .mark(let mark): mark.vcpu
    case .halt(let halt): halt.vcpu
    case .control(let change): change.vcpu
    }
  }

  /// Instructions this vCPU had retired, up to and including this one.
  public var count: UInt64 {
    switch self {
    case .hypercall(let call): call.count
    case .cr3(let load): load.count
    case .map(let mapping): mapping.count
    case .mark(let mark): mark.count
    case .halt(let halt): halt.count
    case .control(let change): change.count
    }
  }

  /// A hypercall with everything the entry checks look at.
  public struct Hypercall: Hashable, Sendable {
    /// The vCPU, counted from 0.
    public var vcpu: Int
    /// Instructions retired by this vCPU.
    public var count: UInt64
    /// RAX: which call.
    public var number: UInt64
    /// RDI, RSI, RDX, R10.
    public var arguments: Arguments
    /// Where the instruction lies, linear.
    public var rip: GuestLinearAddress
    /// Where the instruction lies, guest-physical.
    public var ripAddress: GuestPhysicalAddress
    /// RFLAGS; of a TCG recording the arithmetic flags are stale, IF is right.
    public var rflags: UInt64
    /// Current privilege level, 0...3.
    public var cpl: Int
    /// CR3.
    public var cr3: UInt64

    /// A hypercall from its fields.
    public init(
      vcpu: Int, count: UInt64, number: UInt64, arguments: Arguments, rip: GuestLinearAddress,
      ripAddress: GuestPhysicalAddress, rflags: UInt64, cpl: Int, cr3: UInt64
    ) {
      self.vcpu = vcpu
      self.count = count
      self.number = number
      self.arguments = arguments
      self.rip = rip
      self.ripAddress = ripAddress
      self.rflags = rflags
      self.cpl = cpl
      self.cr3 = cr3
    }
  }

  /// The four argument registers of a hypercall.
  public struct Arguments: Hashable, Sendable {
    /// The first argument.
    public var rdi: UInt64
    /// The second argument.
    public var rsi: UInt64
    /// The third argument.
    public var rdx: UInt64
    /// The fourth argument.
    public var r10: UInt64

    /// Four arguments.
    public init(rdi: UInt64 = 0, rsi: UInt64 = 0, rdx: UInt64 = 0, r10: UInt64 = 0) {
      self.rdi = rdi
      self.rsi = rsi
      self.rdx = rdx
      self.r10 = r10
    }
  }

  /// A load of CR3.
  public struct CR3Load: Hashable, Sendable {
    /// The vCPU, counted from 0.
    public var vcpu: Int
    /// Instructions retired by this vCPU.
    public var count: UInt64
    /// The value loaded.
    public var value: UInt64

    /// A load of CR3 from its fields.
    public init(vcpu: Int, count: UInt64, value: UInt64) {
      self.vcpu = vcpu
      self.count = count
      self.value = value
    }
  }

  /// One leaf of the guest's page tables.
  public struct LinearMapping: Hashable, Sendable {
    /// The vCPU, counted from 0.
    public var vcpu: Int
    /// Instructions retired by this vCPU.
    public var count: UInt64
    /// The CR3 whose tables were walked.
    public var cr3: UInt64
    /// The linear address of the page.
    public var linear: GuestLinearAddress
    /// The page size as a power of two: 12, 21 or 30.
    public var pageShift: Int
    /// The leaf entry: a PTE, PDE or PDPTE of the guest. As the processor left it; with `tables`, as an instruction last stored
    /// it, without what the walker has set in it since.
    public var entry: UInt64
    /// The entries above it, if they were recorded.
    public var tables: TableEntries?

    /// A leaf from its fields.
    public init(
      vcpu: Int, count: UInt64, cr3: UInt64, linear: GuestLinearAddress, pageShift: Int, entry: UInt64,
      tables: TableEntries? = nil
    ) {
      self.vcpu = vcpu
      self.count = count
      self.cr3 = cr3
      self.linear = linear
      self.pageShift = pageShift
      self.entry = entry
      self.tables = tables
    }
  }

  /// The entries above a leaf, as instructions last stored them; they tell where the tables lie.
  public struct TableEntries: Hashable, Sendable {
    /// The PML4E.
    public var pml4e: UInt64
    /// The PDPTE; 0 where the leaf is one.
    public var pdpte: UInt64
    /// The PDE; 0 where the leaf is one, or lies above.
    public var pde: UInt64

    /// Entries from their bits.
    public init(pml4e: UInt64, pdpte: UInt64, pde: UInt64) {
      self.pml4e = pml4e
      self.pdpte = pdpte
      self.pde = pde
    }
  }

  /// A named point of the recording.
  public struct Mark: Hashable, Sendable {
    /// The vCPU, counted from 0.
    public var vcpu: Int
    /// Instructions retired by this vCPU.
    public var count: UInt64
    /// Which mark; the header's table holds its name.
    public var id: UInt64
    /// Where the marking instruction lies.
    public var rip: GuestLinearAddress

    /// A mark from its fields.
    public init(vcpu: Int, count: UInt64, id: UInt64, rip: GuestLinearAddress) {
      self.vcpu = vcpu
      self.count = count
      self.id = id
      self.rip = rip
    }
  }
}

/// An event with its place in a block.
public struct PlacedEvent: Hashable, Sendable {
  /// The index, in the block, of the run the event precedes; the block's number of runs when it comes last.
  public var run: Int
  /// What happened.
  public var event: RecordedEvent

  /// An event before the run with this index.
  public init(run: Int, event: RecordedEvent) {
    self.run = run
    self.event = event
  }
}
