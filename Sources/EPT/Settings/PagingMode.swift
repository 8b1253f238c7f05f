import Addresses

/// How a guest translates linear addresses (SDM vol. 3A, "Paging Modes and Control Bits").
@frozen
public enum PagingMode: UInt8, Hashable, Sendable, CaseIterable {
  /// CR0.PG = 0: 32 bits of a linear address are the guest-physical address.
  case off
  /// 32-bit paging: two levels of 4-byte entries.
  case bits32
  /// PAE paging: four PDPTE registers and two levels of 8-byte entries.
  case pae
  /// 4-level paging.
  case fourLevel
  /// 5-level paging.
  case fiveLevel

  /// Linear addresses have 32 bits; what more there is of one is not looked at.
  @inlinable package var is32Bit: Bool { rawValue < PagingMode.fourLevel.rawValue }

  /// How many bits of a linear address count where it must be canonical; nil where it need not be.
  @inlinable package var canonicalWidth: UInt64? {
    switch self {
    case .off, .bits32, .pae: nil
    case .fourLevel: 48
    case .fiveLevel: 57
    }
  }

  /// The address as the mode sees it.
  @inlinable
  package func linear(_ address: GuestLinearAddress) -> GuestLinearAddress {
    is32Bit ? GuestLinearAddress(address.rawValue & 0xffff_ffff) : address
  }

  /// Whether an access with the address may be translated at all.
  @inlinable
  package func isCanonical(_ address: GuestLinearAddress) -> Bool {
    canonicalWidth.map(address.isCanonical(width:)) ?? true
  }
}
