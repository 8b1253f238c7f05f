import Addresses
import SeededRandom
import Testing

@Suite("Numbers of the field")
struct NumberTests {
  /// The boundaries of SDM vol. 1, "Canonical Addressing": bits 63 to the most significant implemented bit are all equal.
  @Test(
    "are canonical at either depth of paging up to the boundary and not beyond",
    arguments: [
      (0, true, true), (0x0000_7fff_ffff_ffff, true, true), (0x0000_8000_0000_0000, false, true),
      (0x00ff_ffff_ffff_ffff, false, true), (0x0100_0000_0000_0000, false, false),
      (0x8000_0000_0000_0000, false, false), (0xfeff_ffff_ffff_ffff, false, false),
      (0xff00_0000_0000_0000, false, true), (0xffff_7fff_ffff_ffff, false, true),
      (0xffff_8000_0000_0000, true, true), (UInt64.max, true, true),
    ] as [(UInt64, Bool, Bool)])
  func canonical(address: UInt64, fourLevels: Bool, fiveLevels: Bool) {
    #expect(GuestLinearAddress(address).isCanonical(width: 48) == fourLevels)
    #expect(GuestLinearAddress(address).isCanonical(width: 57) == fiveLevels)
  }

  @Test("are written as 0x and lower-case digits, without leading zeros")
  func hexadecimal() {
    #expect(hex(0 as UInt64) == "0x0")
    #expect(hex(0xab0 as UInt16) == "0xab0")
    #expect(hex(UInt64.max) == "0xffffffffffffffff")
  }

  @Test("of a store in two parts are put together as its bytes are", arguments: 0...20)
  func storedValue(first: Int) {
    var random = SplitMix64(seed: UInt64(first))
    func bytes(_ value: StoredValue) -> [UInt8] {
      [value.low, value.high].flatMap { half in (0..<8).map { UInt8(truncatingIfNeeded: half >> UInt64(8 * $0)) } }
    }
    let whole = StoredValue(low: random.next(), high: random.next())
    let (head, tail) = (whole.prefix(first), StoredValue(low: random.next(), high: random.next()))
    #expect(bytes(head) == bytes(whole).prefix(first) + [UInt8](repeating: 0, count: max(0, 16 - first)))
    #expect(bytes(head.union(tail, shiftedBy: first)) == Array((bytes(head).prefix(first) + bytes(tail)).prefix(16)))
  }
}
