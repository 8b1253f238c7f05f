/// The VM-execution controls that bear on address translation, as the VMCS holds them.
///
/// Source: SDM vol. 3C, "Processor-Based VM-Execution Controls" and "VM-Function Controls". Secondary controls count as 0 unless the
/// primary control "activate secondary controls" is 1, tertiary ones unless "activate tertiary controls" is 1.
@frozen
public struct Controls: Hashable, Sendable {
  /// Primary processor-based controls: bit 17 activates the tertiary, bit 31 the secondary ones.
  public var primary: UInt32
  /// Secondary processor-based controls, before activation is considered.
  public var secondary: Secondary
  /// Tertiary processor-based controls, before activation is considered.
  public var tertiary: Tertiary
  /// VM-function controls: bit 0 is EPTP switching.
  public var vmFunctions: UInt64
  /// "PEBS uses guest-physical addresses"; it takes part in one VM-entry check and in nothing else here.
  public var pebsUsesGPA = false

  /// Controls from their fields.
  @inlinable
  public init(primary: UInt32, secondary: Secondary, tertiary: Tertiary, vmFunctions: UInt64) {
    self.primary = primary
    self.secondary = secondary
    self.tertiary = tertiary
    self.vmFunctions = vmFunctions
  }

  /// Both further words activated, EPT enabled, nothing else.
  @inlinable public static var ept: Controls {
    Controls(
      primary: activateSecondary | activateTertiary, secondary: .enableEPT, tertiary: [], vmFunctions: 0)
  }

  /// Primary control bit 31, "activate secondary controls".
  @inlinable public static var activateSecondary: UInt32 { 1 << 31 }
  /// Primary control bit 17, "activate tertiary controls".
  @inlinable public static var activateTertiary: UInt32 { 1 << 17 }

  /// Secondary processor-based VM-execution controls.
  @frozen
  public struct Secondary: OptionSet, Hashable, Sendable {
    /// The bits as they stand in the field.
    public let rawValue: UInt32
    /// Controls from field bits.
    @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Bit 1: enable EPT.
    @inlinable public static var enableEPT: Secondary { Secondary(rawValue: 1 << 1) }
    /// Bit 5: enable VPID.
    @inlinable public static var enableVPID: Secondary { Secondary(rawValue: 1 << 5) }
    /// Bit 7: unrestricted guest.
    @inlinable public static var unrestrictedGuest: Secondary { Secondary(rawValue: 1 << 7) }
    /// Bit 13: enable VM functions.
    @inlinable public static var enableVMFunctions: Secondary { Secondary(rawValue: 1 << 13) }
    /// Bit 17: enable PML.
    @inlinable public static var enablePML: Secondary { Secondary(rawValue: 1 << 17) }
    /// Bit 18: EPT-violation #VE.
    @inlinable public static var eptViolationVE: Secondary { Secondary(rawValue: 1 << 18) }
    /// Bit 22: mode-based execute control for EPT.
    @inlinable public static var modeBasedExecute: Secondary { Secondary(rawValue: 1 << 22) }
    /// Bit 23: sub-page write permissions for EPT.
    @inlinable public static var subPageWritePermissions: Secondary { Secondary(rawValue: 1 << 23) }
    /// Bit 24: Intel PT uses guest-physical addresses.
    @inlinable public static var processorTraceUsesGPA: Secondary { Secondary(rawValue: 1 << 24) }
  }

  /// Tertiary processor-based VM-execution controls.
  @frozen
  public struct Tertiary: OptionSet, Hashable, Sendable {
    /// The bits as they stand in the field.
    public let rawValue: UInt64
    /// Controls from field bits.
    @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Bit 1: enable HLAT.
    @inlinable public static var enableHLAT: Tertiary { Tertiary(rawValue: 1 << 1) }
    /// Bit 2: EPT paging-write control.
    @inlinable public static var pagingWrite: Tertiary { Tertiary(rawValue: 1 << 2) }
    /// Bit 3: guest-paging verification.
    @inlinable public static var guestPagingVerification: Tertiary { Tertiary(rawValue: 1 << 3) }
  }

  /// Secondary controls as they take effect.
  @inlinable package var activeSecondary: Secondary { primary & Self.activateSecondary != 0 ? secondary : [] }
  /// Tertiary controls as they take effect.
  @inlinable package var activeTertiary: Tertiary { primary & Self.activateTertiary != 0 ? tertiary : [] }

  /// Whether every one of these secondary controls takes effect.
  @inlinable public func has(_ control: Secondary) -> Bool { activeSecondary.isSuperset(of: control) }
  /// Whether every one of these tertiary controls takes effect.
  @inlinable public func has(_ control: Tertiary) -> Bool { activeTertiary.isSuperset(of: control) }

  /// Turns secondary controls on or off.
  public mutating func set(_ control: Secondary, to on: Bool) {
    if on { secondary.insert(control) } else { secondary.remove(control) }
  }
  /// Turns tertiary controls on or off.
  public mutating func set(_ control: Tertiary, to on: Bool) {
    if on { tertiary.insert(control) } else { tertiary.remove(control) }
  }
}
