import EPT

/// What a translation cache of a two-dimensional replay stores in the place of a guest page: a linear page, packed into the
/// 29 bits that ``TranslationKey`` has for it.
///
/// | bits | field |
/// |---|---|
/// | 28:10 | the linear 2-MiB region, numbered as regions appear |
/// | 9 | the mapping is global: a load of CR3 leaves it |
/// | 8:0 | the page in its region, so that pages fall into the sets that their linear addresses name |
enum LinearKey {
  /// How many regions can be told apart: 1 TiB of linear addresses.
  static var regionLimit: Int { 1 << 19 }
  /// One past the highest key.
  static var limit: UInt64 { 1 << 29 }
  static var global: UInt32 { 1 << 9 }

  static func key(region: UInt32, page: UInt64, isGlobal: Bool) -> UInt32 {
    region << 10 | (isGlobal ? global : 0) | UInt32(truncatingIfNeeded: page & 511)
  }

  /// Whether a key, with or without its table set, is that of a global mapping.
  static func isGlobal(_ key: UInt32) -> Bool { key & global != 0 }

  /// Whether an entry of this level, in the kernel's half or the user's, spans both pages.
  ///
  /// Above 2 MiB the keys do not tell: every two are taken to be, but global ones, the kernel's, not by an entry of the user's.
  static func areSpanned(_ a: UInt32, _ b: UInt32, by level: Level, ofKernel: Bool) -> Bool {
    if level > .pde { return ofKernel || !isGlobal(a) }
    let differences = (a ^ b) & UInt32(truncatingIfNeeded: limit - 1) & ~global
    return (level == .pde ? differences >> 10 : differences) == 0
  }
}
