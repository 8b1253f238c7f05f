/// What one walk read, and from where: the references that the paging-structure caches did not save, by cache level.
struct WalkCost {
  /// References found in the first-level, second-level and last-level cache, and in memory.
  var references = SIMD4<UInt8>()
  /// Of them, guest entries; none in one dimension.
  var guestEntries: UInt8 = 0
  /// References saved by a paging-structure cache.
  var saved: UInt8 = 0
}
