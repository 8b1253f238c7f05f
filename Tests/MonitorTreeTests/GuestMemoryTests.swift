import Addresses
import Testing

@testable import MonitorTree

@Suite("Guest memory")
struct GuestMemoryTests {
  @Test("begins at a page and has as many pages as keys can name, and holds exactly the runs inside it")
  func bounds() throws {
    let start = UnsafeMutableRawPointer.allocate(byteCount: 4096, alignment: 4096)
    defer { start.deallocate() }
    for (count, isFine) in [
      (0, false), (1, true), (2, true), (0x7fff_fffe, true), (0x7fff_ffff, true), (0x8000_0000, false),
      (0xffff_ffff, false), (1 << 32, false), (1 << 32 + 1, false), (UInt64.max, false),
    ] as [(UInt64, Bool)] {
      let memory = GuestMemory(start: start, pageCount: count)
      #expect((memory != nil) == isFine, "\(count) pages")
      guard let memory else { continue }
      #expect(UInt64(memory.pageCount) == count)
      #expect(memory.contains(pages(0, count)) && memory.contains(pages(count - 1, 1)), "\(count) pages")
      #expect(!memory.contains(pages(0, count + 1)) && !memory.contains(pages(count, 1)), "\(count) pages")
    }
    for offset in [1, 8, 64, 2048, 4095] {
      #expect(GuestMemory(start: start + offset, pageCount: 1) == nil, "\(offset) bytes into a page")
    }
  }
}
