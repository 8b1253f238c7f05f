import Glibc

/// Pages, a byte each, by their number modulo a power of two: no page is left out that was added, and a page of the same number
/// is in as well.
///
/// A byte where ``PageSet`` has a bit: a loop over many pages takes it with one load. Memory that nobody looks at is none.
package struct PageMarks: ~Copyable {
  /// 1 for a page that was added, 0 for another.
  package let bytes: UnsafeMutablePointer<UInt8>
  /// What is left of a page's number.
  package let mask: UInt32

  /// None of the pages below `count`, told apart modulo `most` at most, a power of two.
  package init(pages count: UInt64, most: UInt64) {
    var size: UInt64 = 64
    while size < min(count, most) { size *= 2 }
    mask = UInt32(size - 1)
    guard let memory = calloc(Int(size), 1) else { fatalError("no memory for marks of \(size) pages") }
    bytes = memory.bindMemory(to: UInt8.self, capacity: Int(size))
  }

  deinit { free(bytes) }

  private var count: Int { Int(mask) + 1 }

  /// Adds the pages of a range.
  package func insert(_ range: PageRange) {
    if range.count >= UInt64(count) { return insertAll() }
    for page in range.first.rawValue...range.last.rawValue { bytes[Int(page & UInt64(mask))] = 1 }
  }

  package func insertAll() { bytes.update(repeating: 1, count: count) }

  package func removeAll() { bytes.update(repeating: 0, count: count) }

  /// Adds the pages of marks of the same size.
  package func formUnion(_ other: borrowing PageMarks) {
    for index in 0..<min(count, other.count) { bytes[index] |= other.bytes[index] }
  }

  package func contains(_ page: UInt64) -> Bool { bytes[Int(page & UInt64(mask))] != 0 }
}
