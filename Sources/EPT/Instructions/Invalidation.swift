import Addresses

/// Where an invalidating instruction is executed.
@frozen
public enum ExecutionMode: Hashable, Sendable {
  /// VMX root operation, at this privilege level.
  case root(privilegeLevel: UInt8)
  /// VMX non-root operation.
  case nonRoot
  /// Outside VMX operation.
  case outside
}

/// What INVEPT or INVVPID came to.
@frozen
public enum InvalidationOutcome: Hashable, Sendable {
  /// VMsucceed.
  case success
  /// VMfail with error 28, "Invalid operand to INVEPT/INVVPID".
  case invalidOperand
  /// #UD.
  case undefinedOpcode
  /// #GP(0).
  case generalProtection
  /// A VM exit with this basic exit reason.
  case exit(reason: UInt16)
}

extension EPTMachine {
  /// Executes INVEPT (SDM vol. 3C, "INVEPT—Invalidate Translations Derived from EPT").
  ///
  /// Type 1 drops what is tagged with bits 51:12 of the descriptor's EPTP, which must be one that VM entry would accept; type 2 drops
  /// everything. Bits 127:64 of the descriptor are not looked at, as the instruction's operation does not.
  public mutating func invept(
    type: UInt64, eptp: EPTPointer, mode: ExecutionMode = .root(privilegeLevel: 0)
  ) -> InvalidationOutcome {
    if let refusal = refusal(of: .invept, exitReason: 50, mode) { return refusal }
    switch type {
    case 1:
      guard capabilities.has(.inveptSingle), eptp.isValid(on: capabilities) else { return .invalidOperand }
      drop(.hierarchy(eptp.tag))
    case 2:
      guard capabilities.has(.inveptAll) else { return .invalidOperand }
      drop(.hierarchy(nil))
    default:
      return .invalidOperand
    }
    return .success
  }

  /// Executes INVVPID (SDM vol. 3C, "INVVPID—Invalidate Translations Based on VPID").
  ///
  /// `vpid` is the first quadword of the descriptor, whose bits 63:16 must be 0, `linear` the second. Types: 0 address, 1 VPID, 2 all VPIDs but
  /// 0, 3 VPID but for global translations. Guest-physical mappings stay.
  public mutating func invvpid(
    type: UInt64, vpid: UInt64, linear: GuestLinearAddress, mode: ExecutionMode = .root(privilegeLevel: 0)
  ) -> InvalidationOutcome {
    if let refusal = refusal(of: .invvpid, exitReason: 53, mode) { return refusal }
    let features: [Capabilities.Feature] = [.invvpidAddress, .invvpidSingle, .invvpidAll, .invvpidRetainingGlobals]
    guard type < 4, capabilities.has(features[Int(type)]), let vpid = UInt16(exactly: vpid), vpid != 0 || type == 2
    else { return .invalidOperand }
    switch type {
    case 0:
      guard linear.isCanonical(width: operandWidth) else { return .invalidOperand }
      drop(.page(linear, CombinedContexts(vpid: vpid), retainingGlobals: false))
    case 1: drop(.combined(CombinedContexts(vpid: vpid), retainingGlobals: false))
    case 2: drop(.combined(CombinedContexts(vpid: nil), retainingGlobals: false))
    default: drop(.combined(CombinedContexts(vpid: vpid), retainingGlobals: true))
    }
    return .success
  }

  /// How many bits of a linear address count where an instruction that invalidates wants it canonical: 57 while the guest has 5-level paging,
  /// whose addresses it must be able to name, else 48.
  private var operandWidth: UInt64 { guest.pagingMode == .fiveLevel ? 57 : 48 }

  private mutating func refusal(
    of feature: Capabilities.Feature, exitReason: UInt16, _ mode: ExecutionMode
  ) -> InvalidationOutcome? {
    guard capabilities.has(feature), mode != .outside else { return .undefinedOpcode }
    switch mode {
    case .nonRoot: return .exit(reason: exitReason)
    case .root(let level) where level > 0: return .generalProtection
    default:
      // Root operation: the guest has left, and enters again before its next access, whatever the instruction comes to.
      passTransition()
      return nil
    }
  }
}

/// What the guest does that invalidates its own combined and linear mappings (SDM vol. 3A, "Operations that Invalidate TLBs and
/// Paging-Structure Caches"; vol. 3C, "Operations That Invalidate Cached Mappings"): under the current VPID, for every EPTRTA.
extension EPTMachine {
  /// INVLPG: the page under the current PCID and global, and every combined paging-structure entry of the PCID. An address that is not
  /// canonical makes it do nothing (SDM vol. 2, "INVLPG—Invalidate TLB Entries").
  public mutating func invlpg(_ linear: GuestLinearAddress) {
    let linear = guest.pagingMode.linear(linear)
    guard guest.pagingMode.isCanonical(linear) else { return }
    let contexts = CombinedContexts(vpid: vpid, pcid: guest.pcid)
    drop(.page(linear, contexts, retainingGlobals: false))
    drop(.combinedStructures(contexts))
  }

  /// INVPCID (SDM vol. 2, "INVPCID—Invalidate Process-Context Identifier"): false for #GP(0), and nothing dropped.
  ///
  /// Types: 0 address in a PCID, 1 PCID, 2 everything with global translations, 3 everything without.
  public mutating func invpcid(type: UInt64, pcid: UInt64, linear: GuestLinearAddress) -> Bool {
    let linear = guest.pagingMode.linear(linear)
    guard type <= 3, pcid <= 0xfff, type > 1 || pcid == 0 || guest.processContextIDs,
      type != 0 || linear.isCanonical(width: operandWidth)
    else { return false }
    let context = CombinedContexts(vpid: vpid, pcid: type < 2 ? UInt16(pcid) : nil)
    if type == 0 {
      drop(.page(linear, context, retainingGlobals: true))
    } else {
      drop(.combined(context, retainingGlobals: type != 2))
    }
    return true
  }

  /// MOV to CR3: the new value; what the new PCID holds is dropped but for global translations. With CR4.PCIDE, bit 63 of the source asks
  /// to keep it, and is not stored.
  public mutating func moveToCR3(_ source: UInt64) {
    let keeps = guest.processContextIDs && source >> 63 != 0
    guest.cr3 = guest.processContextIDs ? source & ~(1 << 63) : source
    guard !keeps else { return }
    drop(.combined(CombinedContexts(vpid: vpid, pcid: guest.pcid), retainingGlobals: true))
  }

  /// A change of CR0.PG, CR4.PGE, CR4.SMEP (0 to 1) or CR4.PCIDE (1 to 0): everything of the VPID.
  public mutating func flushGuestMappings() {
    drop(.combined(CombinedContexts(vpid: vpid), retainingGlobals: false))
  }

  /// VM entry or VM exit: without VPIDs, the combined mappings of VPID 0 are dropped.
  public mutating func vmTransition() { passTransition() }
}
