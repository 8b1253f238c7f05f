/// What a leaf entry says about its pages, in one 64-bit word: one region's claim on them.
///
/// | bits  | field                                                                              |
/// |-------|------------------------------------------------------------------------------------|
/// | 63:33 | pages from the entry's key on; 0 = nothing is monitored up to the next key           |
/// | 32:17 | region id; 0 = the pages are the tree's own (``RegionID/tree``)                     |
/// | 16:12 | ordinal: how many entries before this one have the same key (other claims on the same pages) |
/// | 11:0  | alert actions of this claim                                                        |
@frozen
public struct Claim: Hashable, Sendable {
  @usableFromInline let word: UInt64

  @inlinable @inline(__always)
  init(word: UInt64) { self.word = word }

  @inlinable
  init(pages: UInt32, region: RegionID, ordinal: Int = 0, actions: AlertActions) {
    word =
      UInt64(pages & 0x7fff_ffff) << 33 | UInt64(region.rawValue) << 17 | UInt64(ordinal & 31) << 12
      | UInt64(actions.rawValue & 0xfff)
  }

  @inlinable @inline(__always)
  var pages: UInt32 { UInt32(truncatingIfNeeded: word >> 33) }
  @inlinable @inline(__always)
  var ordinal: Int { Int(truncatingIfNeeded: word >> 12) & 31 }

  /// The region that claims the pages.
  @inlinable @inline(__always)
  public var region: RegionID { RegionID(UInt16(truncatingIfNeeded: word >> 17)) }
  /// What the region wants done about a write.
  @inlinable @inline(__always)
  public var actions: AlertActions { AlertActions(rawValue: UInt16(truncatingIfNeeded: word & 0xfff)) }

  /// Region and actions alone, comparable between segments of different length.
  @inlinable var terms: UInt64 { word & 0x1_fffe_0fff }

  @inlinable
  func with(pages: UInt32, ordinal: Int) -> Self {
    Self(word: terms | UInt64(pages & 0x7fff_ffff) << 33 | UInt64(ordinal & 31) << 12)
  }
}
