import Addresses

/// Guest pages that somebody may ask the accesses of: a reader decodes no others' places.
///
/// A page stands for every page of the same number modulo 65536, as in ``PlacePrediction``: no page is left out that was added.
public final class PageSelection {
  private static let pages: UInt64 = 1 << 16
  private let folded = PageSet(capacity: pages)

  /// No page.
  public init() {}

  /// Adds the pages of a range.
  public func insert(_ range: PageRange) {
    if range.count >= Self.pages { return insertAll() }
    for page in range.first.rawValue...range.last.rawValue { folded.insert(page % Self.pages) }
  }

  func insertAll() { folded.insertAll() }

  func removeAll() { folded.removeAll() }

  func formUnion(_ other: PageSelection) { folded.formUnion(other.folded) }

  func contains(_ run: Run) -> Bool { folded.contains(run.rawValue % Self.pages) }

  /// Writes the indices of the runs on selected pages to `found`, which has room for all; returns how many.
  ///
  /// Free of branches but for the loop's own.
  @inline(never)
  func find(in runs: UnsafePointer<UInt64>, count: Int, _ found: UnsafeMutablePointer<UInt32>) -> Int {
    let bits = folded.bits
    var next = 0
    var run = 0
    while run < count {
      found[next] = UInt32(truncatingIfNeeded: run)
      next &+= Int(truncatingIfNeeded: bits[runs[run] & (Self.pages - 1)])
      run &+= 1
    }
    return next
  }
}
