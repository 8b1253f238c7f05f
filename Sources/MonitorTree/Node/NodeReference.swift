import Addresses

/// A pointer to a node: what an interior entry and the base pointer hold, in one 64-bit word.
///
/// | bits  | field                                                                                  |
/// |-------|----------------------------------------------------------------------------------------|
/// | 63:33 | guest page number of the node                                                          |
/// | 32:15 | edition: counts the nodes a writer has made, so that an older node on the same page is told apart |
/// | 14:12 | level of the node, 0 = leaf                                                            |
/// | 11:0  | alert actions for writes to the node's page                                            |
///
/// The word 0 refers to nothing (editions start at 1).
@frozen
public struct NodeReference: RawRepresentable, Hashable, Sendable {
  /// The word as it lies in memory.
  public let rawValue: UInt64

  /// A reference from its word.
  @inlinable @inline(__always)
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  @inlinable
  init(page: UInt32, level: Int, edition: UInt32, actions: AlertActions) {
    rawValue =
      UInt64(page & 0x7fff_ffff) << 33 | UInt64(edition & Self.editionMask) << 15
      | UInt64(level & 7) << 12 | UInt64(actions.rawValue & 0xfff)
  }

  @inlinable static var editionMask: UInt32 { 0x3_ffff }

  /// The number of the page the node lies on, always below 2^31.
  @inlinable @inline(__always)
  var page: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 33) }

  /// The page the node lies on.
  @inlinable public var pageNumber: GuestPageNumber { GuestPageNumber(UInt64(page)) }
  /// Levels below the node; 0 for a leaf.
  @inlinable @inline(__always)
  public var level: Int { Int(truncatingIfNeeded: rawValue >> 12) & 7 }
  /// What to do about a write to the node's page.
  @inlinable public var actions: AlertActions { AlertActions(rawValue: UInt16(truncatingIfNeeded: rawValue & 0xfff)) }
  /// Which node, of all that have lain on this page.
  @inlinable public var edition: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 15) & Self.editionMask }
  /// Whether this refers to nothing.
  @inlinable @inline(__always)
  public var isNull: Bool { rawValue == 0 }

  /// The same node with other actions for its page.
  @inlinable
  func with(actions: AlertActions) -> Self {
    Self(rawValue: rawValue & ~0xfff | UInt64(actions.rawValue & 0xfff))
  }

  /// Page, level and edition without the actions: what a node holds as its own reference.
  @inlinable var identity: UInt64 { rawValue & ~0xfff }

  /// What the check codes of the node's entries start from: binds them to page, level and edition.
  @inlinable @inline(__always)
  var seed: UInt64 { rawValue >> 12 }
}
