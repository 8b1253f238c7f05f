/// MAXPHYADDR: how many bits a physical address has, 36...52 (SDM vol. 3A, "Physical-Address Size" / CPUID 80000008H).
@frozen
public struct PhysicalAddressWidth: Hashable, Sendable {
  /// The width in bits.
  public let bits: UInt8

  /// A width; nil outside 36...52.
  @inlinable
  public init?(_ bits: Int) {
    guard (36...52).contains(bits) else { return nil }
    self.bits = UInt8(bits)
  }

  @inlinable init(trusted bits: UInt8) { self.bits = bits }

  /// 46 bits, the default.
  @inlinable public static var bits46: PhysicalAddressWidth { PhysicalAddressWidth(trusted: 46) }

  /// The bits 63:M that no physical address has.
  @inlinable package var beyond: UInt64 { ~0 << UInt64(bits) }

  /// The bits 51:M, reserved in paging-structure entries.
  @inlinable package var reservedInEntries: UInt64 { beyond & 0x000f_ffff_ffff_ffff }
}

/// What the processor can do: IA32_VMX_EPT_VPID_CAP (MSR 48CH), MAXPHYADDR, and whether #VE exists.
///
/// Source: SDM vol. 3D, "VPID and EPT Capabilities".
@frozen
public struct Capabilities: Hashable, Sendable {
  /// IA32_VMX_EPT_VPID_CAP.
  public var vpidAndEPT: UInt64
  /// MAXPHYADDR.
  public var physicalAddressWidth: PhysicalAddressWidth
  /// Whether the 1-setting of "EPT-violation #VE" is supported, hence whether the EPTP-index field exists.
  public var virtualizationExceptions: Bool
  /// Whether the guest may map 1-GByte pages (CPUID Page1GB), which is no matter of EPT.
  public var guestPage1G = true

  /// Capabilities from the register, the address width and the support of #VE.
  @inlinable
  public init(vpidAndEPT: UInt64, physicalAddressWidth: PhysicalAddressWidth, virtualizationExceptions: Bool) {
    self.vpidAndEPT = vpidAndEPT
    self.physicalAddressWidth = physicalAddressWidth
    self.virtualizationExceptions = virtualizationExceptions
  }

  /// Everything this model knows but page-walk length 5, with 46 address bits.
  @inlinable public static var all: Capabilities {
    Capabilities(
      vpidAndEPT: Feature.all.rawValue, physicalAddressWidth: .bits46, virtualizationExceptions: true)
  }

  /// A bit of IA32_VMX_EPT_VPID_CAP.
  @frozen
  public struct Feature: OptionSet, Hashable, Sendable {
    /// The bits as they stand in the register.
    public let rawValue: UInt64
    /// Features from register bits.
    @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Bit 0: execute-only translations.
    @inlinable public static var executeOnly: Feature { Feature(rawValue: 1 << 0) }
    /// Bit 6: page-walk length 4.
    @inlinable public static var walkLength4: Feature { Feature(rawValue: 1 << 6) }
    /// Bit 7: page-walk length 5.
    @inlinable public static var walkLength5: Feature { Feature(rawValue: 1 << 7) }
    /// Bit 8: EPT structures may be uncacheable.
    @inlinable public static var typeUncacheable: Feature { Feature(rawValue: 1 << 8) }
    /// Bit 14: EPT structures may be write-back.
    @inlinable public static var typeWriteBack: Feature { Feature(rawValue: 1 << 14) }
    /// Bit 16: 2 MiB pages.
    @inlinable public static var page2M: Feature { Feature(rawValue: 1 << 16) }
    /// Bit 17: 1 GiB pages.
    @inlinable public static var page1G: Feature { Feature(rawValue: 1 << 17) }
    /// Bit 20: INVEPT.
    @inlinable public static var invept: Feature { Feature(rawValue: 1 << 20) }
    /// Bit 21: accessed and dirty flags for EPT.
    @inlinable public static var accessedDirty: Feature { Feature(rawValue: 1 << 21) }
    /// Bit 22: advanced VM-exit information for EPT violations.
    @inlinable public static var advancedExitInformation: Feature { Feature(rawValue: 1 << 22) }
    /// Bit 23: supervisor shadow-stack control.
    @inlinable public static var supervisorShadowStack: Feature { Feature(rawValue: 1 << 23) }
    /// Bit 25: single-context INVEPT.
    @inlinable public static var inveptSingle: Feature { Feature(rawValue: 1 << 25) }
    /// Bit 26: all-context INVEPT.
    @inlinable public static var inveptAll: Feature { Feature(rawValue: 1 << 26) }
    /// Bit 32: INVVPID.
    @inlinable public static var invvpid: Feature { Feature(rawValue: 1 << 32) }
    /// Bit 40: individual-address INVVPID.
    @inlinable public static var invvpidAddress: Feature { Feature(rawValue: 1 << 40) }
    /// Bit 41: single-context INVVPID.
    @inlinable public static var invvpidSingle: Feature { Feature(rawValue: 1 << 41) }
    /// Bit 42: all-context INVVPID.
    @inlinable public static var invvpidAll: Feature { Feature(rawValue: 1 << 42) }
    /// Bit 43: single-context-retaining-globals INVVPID.
    @inlinable public static var invvpidRetainingGlobals: Feature { Feature(rawValue: 1 << 43) }

    /// All of the above but page-walk length 5, which few processors have.
    @inlinable public static var all: Feature {
      [
        .executeOnly, .walkLength4, .typeUncacheable, .typeWriteBack, .page2M, .page1G, .invept, .accessedDirty,
        .advancedExitInformation, .supervisorShadowStack, .inveptSingle, .inveptAll, .invvpid, .invvpidAddress,
        .invvpidSingle, .invvpidAll, .invvpidRetainingGlobals,
      ]
    }
  }

  /// Whether the register reports every one of these features.
  @inlinable public func has(_ feature: Feature) -> Bool { vpidAndEPT & feature.rawValue == feature.rawValue }

  /// Turns features on or off.
  public mutating func set(_ feature: Feature, to on: Bool) {
    vpidAndEPT = on ? vpidAndEPT | feature.rawValue : vpidAndEPT & ~feature.rawValue
  }
}
