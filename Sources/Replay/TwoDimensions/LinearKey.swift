import EPT

/// What a translation cache of a two-dimensional replay stores in the place of a guest page: a linear page, or a linear region of
/// 2 MiB, packed into the 29 bits that ``TranslationKey`` has for it.
///
/// | bits | field |
/// |---|---|
/// | 28 | the entry spans the whole region: guest and EPT both map it by a leaf of 2 MiB or more |
/// | 27:10 | the linear 2-MiB region: the low bits of its number as they are, above them a number in the order of appearance |
/// | 9 | the mapping is global: a load of CR3 leaves it |
/// | 8:0 | the page in its region, so that pages fall into the sets that their linear addresses name; of a whole region the low bits of its number |
enum LinearKey {
  /// How many regions can be told apart: 512 GiB of linear addresses.
  static var regionLimit: Int { 1 << 18 }
  /// One past the highest key.
  static var limit: UInt64 { 1 << 29 }
  static var global: UInt32 { 1 << 9 }
  static var large: UInt32 { 1 << 28 }

  static func key(region: UInt32, page: UInt64, isGlobal: Bool) -> UInt32 {
    region << 10 | (isGlobal ? global : 0) | UInt32(truncatingIfNeeded: page & 511)
  }

  /// The key of the region that a page lies in, as one entry.
  @inline(__always)
  static func whole(_ key: UInt32) -> UInt32 { key & ~511 | large | key &>> 10 & 511 }

  /// Whether a key, with or without its table set, is that of a global mapping.
  static func isGlobal(_ key: UInt32) -> Bool { key & global != 0 }

  /// Whether a key, with or without its table set, is that of a whole region.
  static func isWhole(_ key: UInt32) -> Bool { key & large != 0 }

  /// Whether what a key stands for and a page lie below one entry of this level, in the kernel's half or the user's.
  ///
  /// Above 2 MiB the keys do not tell: every two are taken to be, but global ones, the kernel's, not by an entry of the user's.
  static func areSpanned(_ key: UInt32, _ page: UInt32, by level: Level, ofKernel: Bool) -> Bool {
    if level > .pde { return ofKernel || !isGlobal(key) }
    let differences = (key ^ page) & (large - 1) & ~global
    return (level == .pde || isWhole(key) ? differences >> 10 : differences) == 0
  }
}
