import Testing

@testable import EPT

/// SDM vol. 3C, "Basic VM-Exit Information", tables "Exit Qualification for EPT Violations" and "Exit Qualification for
/// SPP-Related Events".
@Suite("The exit qualification")
struct ExitQualificationTests {
  static let bits: [(ExitQualification, Int)] = [
    (.dataRead, 0), (.dataWrite, 1), (.fetch, 2), (.readable, 3), (.writable, 4), (.executable, 5),
    (.userExecutable, 6), (.linearAddressValid, 7), (.finalTranslation, 8), (.userLinearAddress, 9),
    (.guestWritable, 10), (.guestExecuteDisable, 11), (.nmiUnblocking, 12), (.shadowStack, 13),
    (.supervisorShadowStackPage, 14), (.guestPagingVerification, 15), (.asynchronous, 16), (.subPageMiss, 11),
  ]

  @Test("has the manual's bit for every name", arguments: bits)
  func names(name: ExitQualification, bit: Int) {
    #expect(name.rawValue == 1 << UInt64(bit))
    #expect(name == ExitQualification(rawValue: 1 << UInt64(bit)))
  }

  @Test("has words for every bit that the manual defines, once, and other words when it is clear")
  func meanings() {
    #expect(ExitQualification.meanings.map(\.bit) == Array(0...16))
    let words = ExitQualification.meanings.flatMap { [$0.set, $0.clear] }
    #expect(Set(words).count == 34)
  }

  @Test("differs from another bit by bit, in words, bits that the manual reserves among them")
  func differences() {
    let (a, b) = (ExitQualification(0x18a), ExitQualification(0x8000_0000_0000_0189))
    #expect(
      a.differences(from: b) == [
        "bit 0 (the access was a data read): 0 against 1", "bit 1 (the access was a data write): 1 against 0",
        "bit 63 (undefined): 0 against 1",
      ])
    #expect(a.differences(from: a).isEmpty)
  }
}
