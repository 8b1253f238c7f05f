import Addresses
import EPT

/// Watches a walk and keeps where the entries it read lie.
struct PathObserver: WalkObserver {
  var path = WalkPath()

  mutating func reference(_ kind: ReferenceKind, level: UInt8, address: HostPhysicalAddress, value: UInt64) {
    path.append(address.rawValue)
  }

  mutating func write(_ kind: WriteKind, address: HostPhysicalAddress, value: UInt64) {}
}
