import Addresses

/// The extended-page-table pointer (SDM vol. 3C, "Extended-Page-Table Pointer (EPTP)").
@frozen
public struct EPTPointer: RawRepresentable, Hashable, Sendable {
  /// The 64 bits of the field.
  public var rawValue: UInt64

  /// A pointer from its bits.
  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }
  /// A pointer from its bits.
  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// A pointer to a PML4 table, or with `fiveLevels` to a PML5 table: the memory type of the structures, and the two enabling bits.
  @inlinable
  public init(
    root: HostPhysicalAddress, type: MemoryType = .writeBack, accessedDirty: Bool = false,
    supervisorShadowStack: Bool = false, fiveLevels: Bool = false
  ) {
    rawValue =
      root.rawValue & EPTEntry.addressMask | UInt64(type.rawValue) | (fiveLevels ? 4 : 3) << 3
      | (accessedDirty ? 1 << 6 : 0) | (supervisorShadowStack ? 1 << 7 : 0)
  }

  /// Bits 2:0: the memory type of accesses to EPT paging structures, as a number.
  @inlinable package var memoryTypeBits: UInt8 { UInt8(truncatingIfNeeded: rawValue & 7) }
  /// Bits 5:3: one less than the page-walk length.
  @inlinable package var walkLengthBits: UInt8 { UInt8(truncatingIfNeeded: rawValue >> 3 & 7) }
  /// Bit 6: accessed and dirty flags are enabled.
  @inlinable package var enablesAccessedDirty: Bool { rawValue & 1 << 6 != 0 }
  /// Bit 7: access rights for supervisor shadow-stack pages are enforced.
  @inlinable package var enforcesSupervisorShadowStack: Bool { rawValue & 1 << 7 != 0 }
  /// The PML4 table, or the PML5 table with page-walk length 5 (bits 51:12).
  @inlinable @inline(__always)
  public var root: HostPhysicalAddress { HostPhysicalAddress(rawValue & EPTEntry.addressMask) }
  /// The tag of what is cached under this pointer.
  @inlinable public var tag: EPTRTA { EPTRTA(rawValue >> 12 & (1 << 40 - 1)) }

  /// Why a pointer would fail VM entry, VMFUNC or INVEPT.
  package enum Fault: Hashable, Sendable {
    /// Bits 2:0 are not a memory type that the processor offers for EPT structures (0 UC, 6 WB).
    case memoryType(UInt8)
    /// Bits 5:3 are neither 3 nor 4 (page-walk lengths 4 and 5), or the processor lacks that length.
    case walkLength(UInt8)
    /// Bit 6 is set and the processor has no accessed and dirty flags for EPT.
    case accessedDirty
    /// Bit 7 is set and the processor has no supervisor shadow-stack control.
    case supervisorShadowStack
    /// One of bits 11:8 is set; the value is those bits.
    case reservedLow(UInt64)
    /// One of bits 63:M is set; the value is those bits.
    case reservedHigh(UInt64)
  }

  /// Every fault of the pointer on such a processor (SDM vol. 3C, "VM-Execution Control Fields" under "Checks on VMX Controls").
  package func faults(on capabilities: Capabilities) -> [Fault] {
    var faults: [Fault] = []
    let typeFeature: Capabilities.Feature? =
      memoryTypeBits == 0 ? .typeUncacheable : memoryTypeBits == 6 ? .typeWriteBack : nil
    if typeFeature.map(capabilities.has) != true { faults.append(.memoryType(memoryTypeBits)) }
    let lengthFeature: Capabilities.Feature? =
      walkLengthBits == 3 ? .walkLength4 : walkLengthBits == 4 ? .walkLength5 : nil
    if lengthFeature.map(capabilities.has) != true { faults.append(.walkLength(walkLengthBits)) }
    if enablesAccessedDirty && !capabilities.has(.accessedDirty) { faults.append(.accessedDirty) }
    if enforcesSupervisorShadowStack && !capabilities.has(.supervisorShadowStack) {
      faults.append(.supervisorShadowStack)
    }
    if rawValue & 0xf00 != 0 { faults.append(.reservedLow(rawValue & 0xf00)) }
    let high = rawValue & capabilities.physicalAddressWidth.beyond
    if high != 0 { faults.append(.reservedHigh(high)) }
    return faults
  }

  /// Whether VM entry would accept the pointer on such a processor.
  public func isValid(on capabilities: Capabilities) -> Bool { faults(on: capabilities).isEmpty }
}

/// EPTRTA, EPTP bits 51:12: the tag of guest-physical and combined mappings (SDM vol. 3C, "Information That May Be Cached").
@frozen
public struct EPTRTA: RawRepresentable, Hashable, Sendable {
  /// The page number of the PML4 table.
  public let rawValue: UInt64
  /// A tag from the page number of a PML4 table.
  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }
  /// A tag from the page number of a PML4 table.
  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }
}
