import Addresses
import SeededRandom
import Testing

@testable import EPT

@Suite("Memory that exists where it was written")
struct SparseMemoryTests {
  @Test("holds what a dictionary holds, up to its limit of pages, before it is cleared and after")
  func againstDictionary() {
    Claims.table("sparse memory") {
      var random = SplitMix64(seed: 1)
      let memory = SparseMemory(pageLimit: 300)
      for round in 0..<4 {
        var (words, pages, refused) = ([UInt64: UInt64](), Set<UInt64>(), UInt64(0))
        for _ in 0..<(round == 1 ? 50 : 3000) {
          let (page, value) = (random.next() & 0x1ff | random.next() & 1 << 40, random.next())
          let address = page << 12 | random.next() & 0xff8
          memory.store(value, at: HostPhysicalAddress(address))
          if pages.contains(page) || pages.count < 300 {
            pages.insert(page)
            words[address] = value
          } else {
            refused += 1
          }
          let other = (page ^ 1) << 12
          claim(memory.load(HostPhysicalAddress(other)) == words[other] ?? 0, "round \(round): \(hex(other))")
        }
        for (address, value) in words {
          claim(memory.load(HostPhysicalAddress(address)) == value, "round \(round): \(hex(address))")
        }
        claim(memory.pageCount == pages.count && memory.refusedStores == refused, "round \(round): counts")
        memory.clear()
        claim(memory.pageCount == 0 && memory.refusedStores == 0, "round \(round): cleared")
      }
    }
  }

  @Test("takes an image as a whole or says that it has not, and no room for zeros")
  func images() {
    Claims.table("images in sparse memory") {
      for (pages, limit, isWhole) in [(1, 1, true), (2, 1, false), (2, 2, true), (3, 2, false)] {
        let memory = SparseMemory(pageLimit: limit)
        // A page of zeros between any two.
        var words = [UInt64](repeating: 0, count: pages * 1024)
        for place in words.indices where place / 512 % 2 == 0 { words[place] = UInt64(place) + 1 }
        let copied = words.withUnsafeBytes { memory.copy($0, to: HostPhysicalAddress(0x7000)) }
        claim(copied == isWhole, "\(pages) pages, room for \(limit)")
        claim(memory.pageCount == min(pages, limit), "\(pages) pages, room for \(limit): \(memory.pageCount)")
        for (number, word) in words.enumerated() where isWhole {
          claim(memory.load(HostPhysicalAddress(0x7000 + UInt64(number) * 8)) == word, "word \(number)")
        }
        // What was refused before does not count against the next image.
        let small = [UInt64(1)].withUnsafeBytes { memory.copy($0, to: HostPhysicalAddress(0x7008)) }
        claim(small, "a word of a page that exists")
      }
    }
  }
}
