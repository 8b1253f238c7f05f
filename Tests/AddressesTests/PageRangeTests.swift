import Addresses
import Testing

@Suite("A page range")
struct PageRangeTests {
  @Test(
    "is never empty and never wraps",
    arguments: [
      (0, 0, false), (0, 1, true), ((1 << 52) - 1, 1, true), ((1 << 52) - 1, 2, false), (1, 1 << 52, false),
      (0, 1 << 52, true),
      (UInt64.max, 1, false), (5, UInt64.max, false),
    ] as [(UInt64, UInt64, Bool)])
  func bounds(first: UInt64, count: UInt64, valid: Bool) {
    #expect((PageRange(first: GuestPageNumber(first), count: count) != nil) == valid)
  }

  @Test("contains its first and last page and neither neighbour")
  func membership() throws {
    let range = try #require(PageRange(first: GuestPageNumber(10), count: 3))
    for (page, inside) in [(9, false), (10, true), (12, true), (13, false)] as [(UInt64, Bool)] {
      #expect(range.contains(GuestPageNumber(page)) == inside)
    }
  }

  @Test("overlaps exactly when a page is shared")
  func overlap() throws {
    for a in UInt64(0)..<6 {
      for n in UInt64(1)..<4 {
        let left = try #require(PageRange(first: GuestPageNumber(a), count: n))
        let right = try #require(PageRange(first: GuestPageNumber(2), count: 2))
        let shared = (0..<10).contains { left.contains(GuestPageNumber($0)) && right.contains(GuestPageNumber($0)) }
        #expect(left.overlaps(right) == shared)
      }
    }
  }
}
