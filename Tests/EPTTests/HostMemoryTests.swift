import Addresses
import Testing

@testable import EPT

@Suite("Memory from the operating system")
struct HostMemoryTests {
  @Test("is refused without a crash: none, too much, and what there are no addresses for")
  func refusals() {
    Claims.table("refused memory") {
      for size in [0, 1 << 46 + 1, .max] as [UInt64] { claim(HostMemory(byteCount: size) == nil, "\(size) bytes") }
      // Addresses have 47 bits, and some are taken.
      let mapped = (0..<3).map { _ in HostMemory(byteCount: 1 << 46) }
      claim(mapped.contains { $0 == nil }, "three times 2^46 bytes")
      withExtendedLifetime(mapped) {
        for memory in mapped.compactMap({ $0?.memory }) {
          memory.store(7, at: HostPhysicalAddress(1 << 46 - 8))
          claim(memory.load(HostPhysicalAddress(1 << 46 - 8)) == 7, "what was granted is there")
        }
      }
    }
  }
}
