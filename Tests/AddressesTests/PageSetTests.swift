import Addresses
import SeededRandom
import Testing

@Suite("A set of pages")
struct PageSetTests {
  @Test(
    "holds what a Set holds, after random additions, ranges, unions and removals", arguments: 0..<20 as Range<UInt64>)
  func againstSet(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let (pages, other) = (PageSet(), PageSet(capacity: 1 << 12))
    var (model, otherModel): (Set<UInt64>, Set<UInt64>) = ([], [])
    for step in 0..<400 {
      // Low pages often, so that some come again; now and then one far up, which the set must grow for.
      let page = random.next() % (step % 16 == 0 ? 1 << 22 : 1 << 10)
      switch random.next() % 12 {
      case 0:
        guard let range = PageRange(first: GuestPageNumber(page), count: 1 + random.next() % 200) else { continue }
        model.formUnion((range.first.rawValue...range.last.rawValue).filter { $0 < pages.capacity })
        pages.insert(range)
      case 1:
        let page = page % other.capacity
        #expect(other.insert(page) == otherModel.insert(page).inserted, "seed \(seed), step \(step)")
      case 2:
        model.formUnion(otherModel.filter { $0 < pages.capacity })
        pages.formUnion(other)
      case 3 where step % 8 == 0:
        model.removeAll()
        pages.removeAll()
      default:
        #expect(pages.insert(page) == model.insert(page).inserted, "seed \(seed), step \(step)")
      }
      #expect(pages.count == UInt64(model.count), "seed \(seed), step \(step)")
      let probe = random.next() % (1 << 11)
      #expect(pages.contains(probe) == model.contains(probe), "seed \(seed), step \(step), page \(probe)")
    }
    #expect(model.allSatisfy { pages.contains($0) && pages.bits[$0] == 1 })
    #expect((0..<1 << 11).filter(pages.contains) == (0..<1 << 11).filter(model.contains))
  }

  @Test("has room for the pages it was made for, and none for a range beyond them")
  func capacity() throws {
    let pages = PageSet(capacity: 100)
    #expect(pages.capacity == 128)
    pages.insert(try #require(PageRange(first: GuestPageNumber(126), count: 1 << 40)))
    #expect(pages.count == 2)
    #expect(pages.capacity == 128)
    pages.insert(try #require(PageRange(first: GuestPageNumber(128), count: 1)))
    #expect(pages.count == 2)
    #expect(!pages.contains(128) && !pages.contains(.max))
  }

  @Test("grows for the last page of a recording, and is emptied at once", arguments: [1 << 18, 1 << 32] as [UInt64])
  func large(end: UInt64) {
    let pages = PageSet()
    #expect(pages.insert(5))
    #expect(pages.insert(end - 1))
    #expect(!pages.insert(5) && !pages.insert(end - 1))
    #expect(pages.count == 2)
    pages.removeAll()
    #expect(pages.count == 0)
    #expect(!pages.contains(5) && !pages.contains(end - 1))
    #expect(pages.insert(end - 1))
  }

  @Test("takes every page that there is room for")
  func everything() {
    let pages = PageSet(capacity: 256)
    pages.insertAll()
    #expect(pages.count == 256)
    #expect(pages.contains(0) && pages.contains(255) && !pages.contains(256))
  }
}
