import Addresses

/// The registers that integrity mode replaces on entry and gives back on exit.
@frozen
public struct ContextRegisters: Hashable, Sendable {
  /// CR3.
  public var cr3: UInt64
  /// RSP.
  public var rsp: UInt64
  /// Base of the interrupt-descriptor table.
  public var idtBase: UInt64
  /// Limit of the interrupt-descriptor table.
  public var idtLimit: UInt64

  /// Registers by value.
  public init(cr3: UInt64, rsp: UInt64, idtBase: UInt64, idtLimit: UInt64) {
    self.cr3 = cr3
    self.rsp = rsp
    self.idtBase = idtBase
    self.idtLimit = idtLimit
  }
}

/// The driver's private page tables, stacks and interrupt table, as it describes them at the start of its data.
///
/// Six words, little endian, in the first page of GI data when GI_INIT is executed: ``magic``, CR3, IDT base, IDT limit,
/// top of vCPU 0's stack, bytes a stack. The hypervisor copies them; a driver without them runs on the guest's own.
public struct PrivateContext: Hashable, Sendable {
  /// "GICTX" and version 1.
  public static let magic: UInt64 = 0x0001_0058_5443_4947
  /// How many words the description takes.
  public static let wordCount = 6

  /// CR3 to be loaded.
  public var cr3: UInt64
  /// Base of the interrupt-descriptor table to be loaded.
  public var idtBase: UInt64
  /// Its limit.
  public var idtLimit: UInt64
  /// Top of vCPU 0's stack.
  public var stackTop: UInt64
  /// How far apart the tops of the vCPUs' stacks are, downwards.
  public var stackBytes: UInt64

  /// A context by value.
  public init(cr3: UInt64, idtBase: UInt64, idtLimit: UInt64, stackTop: UInt64, stackBytes: UInt64) {
    self.cr3 = cr3
    self.idtBase = idtBase
    self.idtLimit = idtLimit
    self.stackTop = stackTop
    self.stackBytes = stackBytes
  }

  /// The description as words in memory.
  public var words: [UInt64] { [Self.magic, cr3, idtBase, idtLimit, stackTop, stackBytes] }

  /// A context from its words; nil without the magic, or if the page-table root does not lie in `data`.
  init?(words: [UInt64], data: PageRange) {
    guard words.count == Self.wordCount, words[0] == Self.magic,
      data.contains(GuestPhysicalAddress(words[1] & 0x000f_ffff_ffff_f000).page)
    else { return nil }
    self.init(cr3: words[1], idtBase: words[2], idtLimit: words[3], stackTop: words[4], stackBytes: words[5])
  }

  /// What a vCPU runs with in integrity mode.
  func registers(for vcpu: Int) -> ContextRegisters {
    ContextRegisters(
      cr3: cr3, rsp: stackTop &- UInt64(vcpu) &* stackBytes, idtBase: idtBase, idtLimit: idtLimit)
  }
}
