/// What a leaf entry says about its pages, in one 64-bit word: one region's claim on them.
///
/// | bits  | field                                                                                        |
/// |-------|----------------------------------------------------------------------------------------------|
/// | 63:32 | pages from the entry's key on; 0 = nothing is monitored up to the next key                     |
/// | 31:16 | region id; 0 = the pages are the tree's own (``RegionID/tree``) or no one's                     |
/// | 15:12 | ordinal: how many entries before this one claim the same pages; 15 = the tree's own pages       |
/// | 11:0  | alert actions of this claim                                                                  |
@frozen
public struct Claim: Hashable, Sendable {
  @usableFromInline let word: UInt64

  @inlinable @inline(__always)
  init(word: UInt64) { self.word = word }

  @inlinable
  init(pages: UInt32, region: RegionID, ordinal: Int = 0, actions: AlertActions) {
    word =
      UInt64(pages) << 32 | UInt64(region.rawValue) << 16 | UInt64(ordinal & 15) << 12
      | UInt64(actions.rawValue & 0xfff)
  }

  @inlinable @inline(__always)
  var pages: UInt32 { UInt32(truncatingIfNeeded: word >> 32) }
  @inlinable @inline(__always)
  var ordinal: Int { Int(truncatingIfNeeded: word >> 12) & 15 }
  /// The ordinal that marks the tree's own pages, so that one test sends all that is rare off the fast path.
  @inlinable static var treeMark: Int { 15 }
  @inlinable var isTree: Bool { ordinal == Self.treeMark }

  /// The region that claims the pages.
  @inlinable @inline(__always)
  public var region: RegionID { RegionID(UInt16(truncatingIfNeeded: word >> 16)) }
  /// No claim: nothing is monitored up to the next key.
  @inlinable static var none: Self { Self(word: 0) }

  /// What the region wants done about a write.
  @inlinable @inline(__always)
  public var actions: AlertActions { AlertActions(rawValue: UInt16(truncatingIfNeeded: word & 0xfff)) }

  /// Region and actions alone, comparable between segments of different length.
  @inlinable var terms: UInt64 { word & 0xffff_0fff }

  @inlinable
  func with(pages: UInt32, ordinal: Int) -> Self {
    let mark = region == .tree ? Self.treeMark : ordinal
    return Self(word: terms | UInt64(pages) << 32 | UInt64(mark & 15) << 12)
  }
}
