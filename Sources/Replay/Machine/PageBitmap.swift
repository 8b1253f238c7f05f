import Addresses

/// A set of guest pages, a bit each, in raw memory; the owner calls ``deallocate()``.
struct PageBitmap {
  private let words: UnsafeMutablePointer<UInt64>
  private let pages: UInt64

  init(pages: UInt64) {
    self.pages = pages
    let count = Int(pages + 63) / 64
    words = .allocate(capacity: max(1, count))
    words.initialize(repeating: 0, count: max(1, count))
  }

  func deallocate() { words.deallocate() }

  /// Adds the pages of a run that there are.
  func insert(_ range: PageRange) {
    guard range.first.rawValue < pages else { return }
    for page in range.first.rawValue...min(range.last.rawValue, pages - 1) { words[Int(page >> 6)] |= 1 << (page & 63) }
  }

  func contains(_ page: UInt32) -> Bool { UInt64(page) < pages && bit(page) != 0 }

  /// 1 for a page of the set; the page must be one there is.
  @inline(__always)
  func bit(_ page: UInt32) -> UInt32 { UInt32(truncatingIfNeeded: words[Int(page &>> 6)] &>> UInt64(page & 63)) & 1 }
}
