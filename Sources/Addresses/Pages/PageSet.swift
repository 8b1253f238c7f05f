import Glibc

/// A set of 4 KiB guest pages, a bit each, in memory that the operating system provides where a bit is looked at.
///
/// A class, so that whoever shares the set shares its memory and nobody frees it by hand. One thread at a time uses it.
@usableFromInline
package final class PageSet {
  /// How many pages are in the set.
  @exclusivity(unchecked) package private(set) var count: UInt64 = 0
  /// The pages that there is room for: those below this number.
  @usableFromInline @exclusivity(unchecked) package private(set) var capacity: UInt64
  @usableFromInline @exclusivity(unchecked) package private(set) var words: UnsafeMutablePointer<UInt64>

  /// The empty set, with room for the pages below `capacity`.
  package init(capacity: UInt64 = 0) {
    self.capacity = Self.rounded(capacity)
    words = Self.zeroes(self.capacity)
  }

  deinit { free(words) }

  /// Adds a page, and makes room for it; whether it was absent.
  @discardableResult
  package func insert(_ page: UInt64) -> Bool {
    if page >= capacity { grow(toHold: page) }
    let mask: UInt64 = 1 << (page & 63)
    let word = words[Int(page >> 6)]
    if word & mask != 0 { return false }
    words[Int(page >> 6)] = word | mask
    count += 1
    return true
  }

  /// Adds the pages of a run that there is room for.
  package func insert(_ range: PageRange) {
    guard range.first.rawValue < capacity else { return }
    for page in range.first.rawValue...min(range.last.rawValue, capacity - 1) { insert(page) }
  }

  /// Adds every page that there is room for.
  package func insertAll() {
    words.update(repeating: .max, count: Int(capacity / 64))
    count = capacity
  }

  /// Adds the pages of another set that there is room for.
  package func formUnion(_ other: PageSet) {
    for index in 0..<Int(min(capacity, other.capacity) / 64) {
      count += UInt64((other.words[index] & ~words[index]).nonzeroBitCount)
      words[index] |= other.words[index]
    }
  }

  /// Empties the set; the room stays.
  package func removeAll() {
    if count == 0 { return }
    count = 0
    // Beyond a few pages of memory, fresh zeroes cost less than writing them.
    if capacity <= 1 << 18 { return words.update(repeating: 0, count: Int(capacity / 64)) }
    free(words)
    words = Self.zeroes(capacity)
  }

  /// Whether the page is in the set.
  @inlinable
  package func contains(_ page: UInt64) -> Bool { page < capacity && bits[page] != 0 }

  /// The set for a loop that asks for many pages: valid until the set grows, is emptied or ends.
  @inlinable
  package var bits: Bits { Bits(words) }

  /// The bits of a set, without a check that there is room for the page asked for.
  @frozen @usableFromInline
  package struct Bits {
    @usableFromInline let words: UnsafePointer<UInt64>

    @inlinable
    init(_ words: UnsafeMutablePointer<UInt64>) { self.words = UnsafePointer(words) }

    /// 1 for a page of the set, 0 for another; the page must be one that there is room for.
    @inlinable @inline(__always)
    package subscript(page: UInt64) -> UInt64 { words[Int(truncatingIfNeeded: page &>> 6)] &>> (page & 63) & 1 }
  }

  private func grow(toHold page: UInt64) {
    let wider = Self.rounded(max(page + 1, capacity * 2))
    let fresh = Self.zeroes(wider)
    // Zero words are not copied: that would claim memory for pages of which no bit is set.
    for word in 0..<Int(capacity / 64) where words[word] != 0 { fresh[word] = words[word] }
    free(words)
    words = fresh
    capacity = wider
  }

  private static func rounded(_ pages: UInt64) -> UInt64 { max(64, (pages + 63) & ~63) }

  private static func zeroes(_ pages: UInt64) -> UnsafeMutablePointer<UInt64> {
    let count = Int(pages / 64)
    guard let memory = calloc(count, 8) else { fatalError("no memory for a set of \(pages) pages") }
    return memory.bindMemory(to: UInt64.self, capacity: count)
  }
}
