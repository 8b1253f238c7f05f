/// The bits of a leaf that differ from page to page, at the positions of an EPT entry.
public struct LeafBits: OptionSet, Hashable, Sendable {
  /// The bits.
  public let rawValue: UInt64
  /// Bits by value.
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// The page may be written.
  public static var write: Self { Self(rawValue: 1 << 1) }
  /// The page may be executed.
  public static var execute: Self { Self(rawValue: 1 << 2) }
  /// With accessed and dirty flags: a write is not logged any more.
  public static var dirty: Self { Self(rawValue: 1 << 9) }
  /// Sub-page write permissions decide where the page may not be written. Leaves of 4 KiB alone have it; where a larger one
  /// maps a page, the processor ignores the bit.
  public static var subPageWrite: Self { Self(rawValue: 1 << 61) }
  /// A violation exits to the hypervisor, whatever the controls say of #VE.
  public static var suppressVE: Self { Self(rawValue: 1 << 63) }

  /// Every one.
  public static var all: Self { [.write, .execute, .dirty, .subPageWrite, .suppressVE] }
  /// What a page nobody watches may be used for.
  public static var unwatched: Self { [.write, .execute, .suppressVE] }
}

/// How an edit changes the bits of leaves.
package struct BitsChange: Hashable, Sendable {
  package var granted: LeafBits = []
  package var withdrawn: LeafBits = []

  package static var none: Self { Self() }
  package static func grant(_ bits: LeafBits) -> Self { Self(granted: bits) }
  package static func withdraw(_ bits: LeafBits) -> Self { Self(withdrawn: bits) }
  /// From one state of the bits to another.
  package static func from(_ old: LeafBits, to new: LeafBits) -> Self {
    Self(granted: new.subtracting(old), withdrawn: old.subtracting(new))
  }

  package func applied(to bits: LeafBits) -> LeafBits { bits.subtracting(withdrawn).union(granted) }

  /// Whether it changes what only leaves of 4 KiB have.
  var isForSmallLeaves: Bool { granted.union(withdrawn).contains(.subPageWrite) }
}
