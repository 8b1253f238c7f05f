/// The bits of a leaf that differ from page to page, at the positions of an EPT entry.
package struct LeafBits: OptionSet, Hashable, Sendable {
  package let rawValue: UInt64
  package init(rawValue: UInt64) { self.rawValue = rawValue }

  /// The page may be written.
  package static var write: Self { Self(rawValue: 1 << 1) }
  /// The page may be executed.
  package static var execute: Self { Self(rawValue: 1 << 2) }
  /// With accessed and dirty flags: a write is not logged any more.
  package static var dirty: Self { Self(rawValue: 1 << 9) }
  /// Sub-page write permissions decide where the page may not be written. Leaves of 4 KiB alone have it; where a larger one
  /// maps a page, the processor ignores the bit.
  package static var subPageWrite: Self { Self(rawValue: 1 << 61) }
  /// A violation exits to the hypervisor, whatever the controls say of #VE.
  package static var suppressVE: Self { Self(rawValue: 1 << 63) }

  package static var all: Self { [.write, .execute, .dirty, .subPageWrite, .suppressVE] }
  /// What a page nobody watches may be used for.
  package static var unwatched: Self { [.write, .execute, .suppressVE] }
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
