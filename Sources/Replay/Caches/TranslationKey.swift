import Recordings

/// What a modelled translation cache stores: page number below, table set above, in 32 bits.
///
/// The tag is the table set's root, as the SDM tags guest-physical and combined mappings by EPTRTA (vol. 3C, "Information
/// That May Be Cached"); VPID is on, so neither exits nor EPTP switches drop anything.
@frozen
public struct TranslationKey {
  /// Bits of page number: 29, that is 2 TiB of guest memory.
  @usableFromInline static var pageBits: UInt32 { 29 }
  /// Pages a replay can hold.
  static var pageLimit: UInt64 { 1 << UInt64(pageBits) }

  /// The key of a page under the table set with this index.
  @inlinable @inline(__always)
  static func key(page: UInt32, set: UInt32) -> UInt32 { page | set &<< pageBits }

  /// The key of a run's page, without its table set.
  @inlinable @inline(__always)
  static func key(of run: Run) -> UInt32 { UInt32(truncatingIfNeeded: run.rawValue) }

  /// The table set of a key.
  @inlinable static func set(of key: UInt32) -> UInt32 { key &>> pageBits }
}
