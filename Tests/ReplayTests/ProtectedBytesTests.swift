import Addresses
import SeededRandom
import Testing

@testable import Replay

/// Against every byte looked at: the regions that claim its page, and which of its bytes each lists.
@Suite("Protected bytes")
struct ProtectedBytesTests {
  @Test("are those that claims and lists say, one by one", arguments: 0..<20 as Range<UInt64>)
  func againstEveryByte(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    func below(_ limit: UInt64) -> UInt64 { UInt64.random(in: 0..<limit, using: &random) }
    let pageCount: UInt64 = 12
    var listed: [UInt64: [Range<UInt64>]] = [:]
    for region in 1...4 as ClosedRange<UInt64> where region < 4 {
      listed[region] = (0..<below(6)).map { _ in
        let start = below(pageCount << 12)
        return start..<start + 1 + below(below(3) == 0 ? 9000 : 200)
      }
    }
    var owners = [Set<UInt64>](repeating: [], count: Int(pageCount))
    var protected = ProtectedBytes(listed: listed)
    func isProtected(_ address: UInt64) -> Bool {
      owners[Int(address >> 12)].contains { region in
        let page = address & ~0xfff..<(address | 0xfff) + 1
        let bytes = listed[region, default: []].filter { $0.overlaps(page) }
        return bytes.isEmpty || bytes.contains { $0.contains(address) }
      }
    }
    for step in 0..<400 {
      let first = below(pageCount)
      let range = try #require(
        PageRange(first: GuestPageNumber(first), count: 1 + below(min(4, pageCount - first))))
      let region = below(5)
      if below(3) > 0, region > 0 {
        protected.claim(range, by: region)
        for page in range.numbers { owners[Int(page)].insert(region) }
      } else {
        protected.release(range, by: region)
        for page in range.numbers {
          if region == 0 { owners[Int(page)] = [] } else { owners[Int(page)].remove(region) }
        }
      }
      for _ in 0..<20 {
        let size = 1 + below(64)
        let address = below(pageCount << 12 - 64)
        #expect(
          protected.touches(address, size: size) == (address..<address + size).contains(where: isProtected),
          "seed \(seed), step \(step)")
        let subPages = address & ~127..<(address + size + 127) & ~127
        #expect(
          protected.touchesSubPage(address, size: size) == subPages.contains(where: isProtected),
          "seed \(seed), step \(step)")
      }
    }
  }
}
