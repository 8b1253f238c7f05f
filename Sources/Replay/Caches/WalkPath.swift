import Addresses
import EPT

/// Host-physical addresses of the EPT entries a walk read, top level first; at most four.
struct WalkPath: WalkObserver {
  private var addresses = SIMD4<UInt64>()
  private(set) var count = 0
  /// Whether the sub-page permission tables were read too; what that costs is priced by the look-up.
  private(set) var asksSubPages = false

  subscript(level: Int) -> UInt64 { addresses[level] }

  mutating func append(_ address: UInt64) {
    guard count < 4 else { return }
    addresses[count] = address
    count += 1
  }

  mutating func reference(_ kind: ReferenceKind, level: UInt8, address: HostPhysicalAddress, value: UInt64) {
    if kind == .subPage { asksSubPages = true } else { append(address.rawValue) }
  }

  mutating func write(_ kind: WriteKind, address: HostPhysicalAddress, value: UInt64) {}
}
