import Addresses

/// Guest pages that somebody may ask the accesses of: a reader decodes no others' places.
///
/// A page stands for every page of the same number modulo 65536, as in `PlacePrediction`: no page is left out that was added.
public final class PageSelection {
  private static let pages: UInt64 = 1 << 16
  private let marks = PageMarks(pages: pages, most: pages)

  /// No page.
  public init() {}

  /// Adds the pages of a range.
  public func insert(_ range: PageRange) { marks.insert(range) }

  func insertAll() { marks.insertAll() }

  func removeAll() { marks.removeAll() }

  func formUnion(_ other: PageSelection) { marks.formUnion(other.marks) }

  func contains(_ run: Run) -> Bool { marks.contains(run.rawValue & 0xffff_ffff) }

  /// Writes the indices of the runs on selected pages to `found`, which has room for all; returns how many.
  ///
  /// Free of branches but for the loop's own.
  @inline(never)
  func find(in runs: UnsafePointer<UInt64>, count: Int, _ found: UnsafeMutablePointer<UInt32>) -> Int {
    let marks = marks.bytes
    var next = 0
    var run = 0
    while run < count {
      found[next] = UInt32(truncatingIfNeeded: run)
      next &+= Int(marks[Int(truncatingIfNeeded: runs[run] & (Self.pages - 1))])
      run &+= 1
    }
    return next
  }
}
