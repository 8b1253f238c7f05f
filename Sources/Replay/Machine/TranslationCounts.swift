/// What translating cost, beyond first-level hits; first-level hits are what is left of all accesses.
struct TranslationCounts {
  /// Accesses that the recording does not hold: an instruction started over, or completed in the open view.
  var repeated: UInt64 = 0
  /// Accesses of the recording that were not made: the hypervisor completed the whole store.
  var skipped: UInt64 = 0
  var stlbHits: UInt64 = 0
  var walks: UInt64 = 0
  /// Paging-structure entries read from the first-level, second-level and last-level cache, and from memory.
  var references = SIMD4<UInt64>()
  var saved: UInt64 = 0
  /// Of the entries read, those of the guest.
  var guestEntries: UInt64 = 0

  mutating func add(_ cost: WalkCost) {
    walks += 1
    references &+= SIMD4(truncatingIfNeeded: cost.references)
    saved += UInt64(cost.saved)
    guestEntries += UInt64(cost.guestEntries)
  }

  /// Adds these to a tally, with the first-level hits that complete them.
  func add(to counts: inout EventCounts, accesses: UInt64) {
    counts[.l1TLBHits] += accesses + repeated - skipped - stlbHits - walks
    counts[.stlbHits] += stlbHits
    counts[.walks] += walks
    counts[.walkReferencesL1] += references[0]
    counts[.walkReferencesL2] += references[1]
    counts[.walkReferencesL3] += references[2]
    counts[.walkReferencesDRAM] += references[3]
    counts[.pagingStructureCacheHits] += saved
    counts[.guestReferences] += guestEntries
  }
}
