/// The number of one protected thing (kernel text, system-call table, ...): groups the pages that belong to it.
@frozen
public struct RegionID: RawRepresentable, Hashable, Comparable, Sendable {
  /// The number; 0 is kept for the tree's own pages.
  public let rawValue: UInt16

  /// A region from its number.
  @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }
  /// A region from its number.
  @inlinable public init(_ rawValue: UInt16) { self.rawValue = rawValue }

  /// The tree's own pages: donated slabs, whether a page of them holds a node at the moment or not.
  @inlinable public static var tree: Self { Self(0) }

  /// Orders by number.
  @inlinable public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}
