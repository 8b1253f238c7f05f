import Addresses
import GuestIntegrity

/// A store that was noticed, as far as it takes to find it again in the block at hand.
struct NoticedStore: Equatable {
  /// Its number in the recording.
  var number: UInt64
  /// The run and the access of it that was refused.
  var run: Int
  var access: Int
  var address: GuestPhysicalAddress
  var bytes: Int
  var kind: PageKind
  /// Whether sub-page permissions owe it, too.
  var isOwedBySubPages: Bool
}
