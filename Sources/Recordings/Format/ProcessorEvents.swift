/// Events that only files of version 2 hold: what a vCPU does to itself.
extension RecordedEvent {
  /// A HLT: until the vCPU's next record it executes nothing, and whoever shoots down its translations need not wait for it.
  public struct Halt: Hashable, Sendable {
    /// The vCPU, counted from 0.
    public var vcpu: Int
    /// Instructions retired by this vCPU.
    public var count: UInt64

    /// A halt from its fields.
    public init(vcpu: Int, count: UInt64) {
      self.vcpu = vcpu
      self.count = count
    }
  }

  /// A register that decides how linear addresses translate (SDM vol. 3A, "Paging Modes and Control Bits").
  public enum ControlRegister: UInt64, CaseIterable, Sendable {
    /// CR0: PE, WP, PG.
    case cr0 = 0
    /// CR4: PSE, PAE, PGE, LA57, PCIDE, SMEP, SMAP, PKE, CET, PKS.
    case cr4 = 4
    /// The MSR IA32_EFER: LME, LMA, NXE. The raw value is the MSR's number.
    case efer = 0xc000_0080

    /// The byte on disk.
    var code: UInt8 {
      switch self {
      case .cr0: 0
      case .cr4: 4
      case .efer: 8
      }
    }

    /// The register of a byte on disk.
    init?(code: UInt8) {
      guard let register = Self.allCases.first(where: { $0.code == code }) else { return nil }
      self = register
    }
  }

  /// A change of CR0, CR4 or IA32_EFER.
  public struct ControlChange: Hashable, Sendable {
    /// The vCPU, counted from 0.
    public var vcpu: Int
    /// Instructions retired by this vCPU.
    public var count: UInt64
    /// Which register.
    public var register: ControlRegister
    /// Its new value, as the instruction has it: bits that the processor sets by itself, such as LMA, need not be in it.
    public var value: UInt64

    /// A change from its fields.
    public init(vcpu: Int, count: UInt64, register: ControlRegister, value: UInt64) {
      self.vcpu = vcpu
      self.count = count
      self.register = register
      self.value = value
    }
  }
}
