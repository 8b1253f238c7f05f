/// The bits of a leaf that differ from page to page, at the positions of an EPT entry.
struct LeafBits: OptionSet, Hashable, Sendable {
  let rawValue: UInt64

  /// The page may be written.
  static var write: Self { Self(rawValue: 1 << 1) }
  /// The page may be executed.
  static var execute: Self { Self(rawValue: 1 << 2) }
  /// With accessed and dirty flags: a write is not logged any more.
  static var dirty: Self { Self(rawValue: 1 << 9) }
  /// Sub-page write permissions decide where the page may not be written.
  static var subPageWrite: Self { Self(rawValue: 1 << 61) }
  /// A violation exits to the hypervisor, whatever the controls say of #VE.
  static var suppressVE: Self { Self(rawValue: 1 << 63) }

  static var all: Self { [.write, .execute, .dirty, .subPageWrite, .suppressVE] }
  /// What a page nobody watches may be used for.
  static var unwatched: Self { [.write, .execute, .suppressVE] }
}

/// How an edit changes the bits of leaves.
struct BitsChange: Hashable, Sendable {
  var granted: LeafBits = []
  var withdrawn: LeafBits = []

  static var none: Self { Self() }
  static func grant(_ bits: LeafBits) -> Self { Self(granted: bits) }
  static func withdraw(_ bits: LeafBits) -> Self { Self(withdrawn: bits) }
  /// From one state of the bits `mask` to another.
  static func from(_ old: LeafBits, to new: LeafBits) -> Self {
    Self(granted: new.subtracting(old), withdrawn: old.subtracting(new))
  }

  func applied(to bits: LeafBits) -> LeafBits { bits.subtracting(withdrawn).union(granted) }
}
