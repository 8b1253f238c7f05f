import Addresses

/// Guest pages that somebody may ask the accesses of: a reader decodes no others' places.
///
/// A bit stands for every page of the same number modulo 65536, as in ``PlacePrediction``: no page is left out that was added.
public final class PageSelection {
  private let words: UnsafeMutablePointer<UInt64>
  private static let pages: UInt64 = 1 << 16
  private static var wordCount: Int { Int(pages) / 64 }

  /// No page.
  public init() {
    words = .allocate(capacity: Self.wordCount)
    words.initialize(repeating: 0, count: Self.wordCount)
  }

  deinit { words.deallocate() }

  /// Adds the pages of a range.
  public func insert(_ range: PageRange) {
    if range.count >= Self.pages { return insertAll() }
    for page in range.first.rawValue...range.last.rawValue {
      words[Int(page % Self.pages) / 64] |= 1 << (page % 64)
    }
  }

  func insertAll() { words.update(repeating: .max, count: Self.wordCount) }

  func removeAll() { words.update(repeating: 0, count: Self.wordCount) }

  func formUnion(_ other: PageSelection) {
    for word in 0..<Self.wordCount { words[word] |= other.words[word] }
  }

  func contains(_ run: Run) -> Bool {
    let page = run.rawValue % Self.pages
    return words[Int(page) / 64] & 1 << (page % 64) != 0
  }

  /// Writes the indices of the runs on selected pages to `found`, which has room for all; returns how many.
  ///
  /// Free of branches but for the loop's own.
  @inline(never)
  func find(in runs: UnsafePointer<UInt64>, count: Int, _ found: UnsafeMutablePointer<UInt32>) -> Int {
    let words = words
    var next = 0
    var run = 0
    while run < count {
      let page = runs[run] & (Self.pages - 1)
      found[next] = UInt32(truncatingIfNeeded: run)
      next &+= Int(truncatingIfNeeded: words[Int(page &>> 6)] &>> (page & 63) & 1)
      run &+= 1
    }
    return next
  }
}
