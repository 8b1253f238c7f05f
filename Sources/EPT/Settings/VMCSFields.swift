import Addresses

/// The VMCS fields, other than controls and EPTP, that EPT and its companions read and write.
///
/// Source: SDM vol. 3C, "VM-Execution Control Fields" and "Guest Non-Register State" (PML index).
@frozen
public struct VMCSFields: Hashable, Sendable {
  /// Virtual-processor identifier (0000H).
  public var vpid: UInt16 = 0
  /// EPTP index (0004H).
  public var eptpIndex: UInt16 = 0
  /// EPTP-list address (2024H).
  public var eptpList = HostPhysicalAddress(0)
  /// PML address (200EH).
  public var pmlAddress = HostPhysicalAddress(0)
  /// PML index (0812H).
  public var pmlIndex: UInt16 = 511
  /// Virtualization-exception information address (202AH).
  public var exceptionInformation = HostPhysicalAddress(0)
  /// Sub-page-permission-table pointer (2030H).
  public var spptp = HostPhysicalAddress(0)

  /// PML index 511, all else 0.
  @inlinable public init() {}
}
