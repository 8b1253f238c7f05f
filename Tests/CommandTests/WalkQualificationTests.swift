import Addresses
import Testing

/// Held against SDM vol. 3C, "Basic VM-Exit Information", table "Exit Qualification for EPT Violations", restated here.
@Suite("walk: the exit qualification of an EPT violation")
struct WalkQualificationTests {
  /// A violation and the bits that the table sets for it.
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var world: WalkWorld
    var arguments: [String]
    var bits: Set<Int>
    var gpa: UInt64 = WalkWorld.gpa
    var gla: UInt64 = WalkWorld.linear

    static func linear(
      _ name: String, _ world: WalkWorld, _ access: String, _ bits: Set<Int>, gpa: UInt64 = WalkWorld.gpa
    ) -> Case {
      Case(
        testDescription: name, world: world, arguments: ["--linear", "\(WalkWorld.linear)", "--access", access],
        bits: bits, gpa: gpa)
    }

    static func physical(_ name: String, _ world: WalkWorld, _ access: String, _ bits: Set<Int>) -> Case {
      Case(
        testDescription: name, world: world, arguments: ["--gpa", "\(WalkWorld.gpa)", "--access", access], bits: bits,
        gla: WalkWorld.gpa)
    }
  }

  private static let writeBack = WalkWorld.writeBack
  private static let tableHidden = WalkWorld().with([WalkWorld.pte(of: WalkWorld.guestPTE): 0]).paging(7)

  /// In guest PTEs, 7 is present, writable and user-mode; bits 9 to 11 of the qualification tell what all guest entries allow
  /// together.
  static let cases: [Case] = [
    .linear("a read of a page that is not there", WalkWorld(leaf: 0).paging(7), "r", [0, 7, 8, 9, 10]),
    .linear(
      "a write to a readable page", WalkWorld(leaf: 1 | writeBack).paging(7), "w", [1, 3, 7, 8, 9, 10]),
    .linear(
      "a fetch from a readable and writable page, supervisor-mode for the guest",
      WalkWorld(leaf: 3 | writeBack).paging(3),
      "x", [2, 3, 4, 7, 8, 10]),
    .linear(
      "a read of an execute-only page, execute-disable for the guest",
      WalkWorld(leaf: 4 | writeBack).paging(1 << 63 | 3, "nxe=1"), "r", [0, 5, 7, 8, 10, 11]),
    .linear(
      "a write to a page that is read-only for the guest, too, with CR0.WP clear",
      WalkWorld(leaf: 5 | writeBack).paging(5, "wp=0"), "w", [1, 3, 5, 7, 8, 9]),
    .linear(
      "the same on a processor without advanced exit information, which has no bits 9 to 11",
      WalkWorld(leaf: 5 | writeBack).paging(5, "wp=0").with("cap adv=0"), "w", [1, 3, 5, 7, 8]),
    .linear(
      "execute permission by mode: bit 10 of the entries is bit 6",
      WalkWorld(leaf: 1 | 1 << 10 | writeBack).paging(7).with("ctl mbec=1"), "w", [1, 3, 6, 7, 8, 9, 10]),
    .linear(
      "without that control bit 10 of the entries counts for nothing",
      WalkWorld(leaf: 1 | 1 << 10 | writeBack).paging(7), "w", [1, 3, 7, 8, 9, 10]),
    .linear(
      "a guest table that is not there: no final translation", tableHidden, "r", [0, 7], gpa: WalkWorld.guestPTE),
    .linear(
      "with accessed and dirty flags for EPT, accesses to guest tables are reads and writes",
      tableHidden.with([:], eptp: 0x105e), "x", [0, 1, 7], gpa: WalkWorld.guestPTE),
    .linear(
      "an IRET that had unblocked NMIs", WalkWorld(leaf: 0).paging(7, "nmi=1"), "w", [1, 7, 8, 9, 10, 12]),
    .linear(
      "guest-paging verification: bit 57 of the leaf, and guest tables without bit 58",
      WalkWorld(leaf: 7 | 1 << 57 | writeBack).paging(7).with("ctl gpv=1"), "r", [0, 3, 4, 5, 7, 8, 9, 10, 15]),
    .physical(
      "bit 60 of the leaf, with supervisor shadow-stack control (bit 7 of the EPTP)",
      WalkWorld(leaf: 1 | 1 << 60 | writeBack).with([:], eptp: 0x109e), "w", [1, 3, 7, 8, 14]),
    .physical("without that control bit 60 is ignored", WalkWorld(leaf: 1 | 1 << 60 | writeBack), "w", [1, 3, 7, 8]),
    .physical(
      "a read-modify-write to a readable page", WalkWorld(leaf: 1 | writeBack).with("policy rmwread=1"), "rw",
      [0, 1, 3, 7, 8]),
  ]

  @Test("has the bits that the manual's table sets, as a number and one by one", arguments: cases)
  func bits(_ row: Case) throws {
    let outcome = try row.world.answer(row.arguments).outcome
    #expect(outcome.kind == "violation")
    #expect(outcome.gpa == hex(row.gpa))
    #expect(outcome.gla == hex(row.gla))
    let expected = row.bits.reduce(0 as UInt64) { $0 | 1 << UInt64($1) }
    #expect(outcome.qualification == hex(expected))
    let bits = try #require(outcome.qualificationBits)
    #expect(bits.map(\.bit) == Array(0...16))
    #expect(Set(bits.filter { $0.value == 1 }.map(\.bit)) == row.bits)
    // The text has the same bits and words, under the exit reason of SDM vol. 3D, appendix "VMX Basic Exit Reasons".
    let text = try row.world.text(row.arguments)
    #expect(text.contains("outcome: EPT violation, VM exit with reason 48"))
    for bit in bits {
      let number = bit.bit < 10 ? " \(bit.bit)" : "\(bit.bit)"
      #expect(text.contains("  bit \(number)  \(bit.value)  \(bit.meaning)"), "\(text)")
    }
  }

  /// What the manual says of a bit when it is set and when it is clear, by the words that decide.
  static let manual: [(set: String, clear: String)] = [
    ("was a data read", "not a data read"), ("was a data write", "not a data write"),
    ("was an instruction fetch", "not an instruction fetch"), ("was readable", "was not readable"),
    ("was writable", "was not writable"), ("was executable", "was not executable"),
    ("executable for user-mode", "not executable for user-mode"), ("address is valid", "no guest-linear address"),
    ("final translation", "guest paging-structure entry"), ("user-mode", "supervisor-mode"),
    ("allows writes", "read-only"), ("disables execution", "allows execution"),
    ("had unblocked NMIs", "no NMI unblocking"),
    ("a shadow-stack access", "not a shadow-stack access"),
    ("marks a supervisor shadow-stack page", "no supervisor shadow-stack page"),
    ("due to guest-paging verification", "not due to guest-paging verification"), ("asynchronous", "not asynchronous"),
  ]

  @Test("is told in the manual's words, bit by bit")
  func words() throws {
    var (set, clear): (Set<Int>, Set<Int>) = ([], [])
    for row in Self.cases {
      for bit in try #require(try row.world.answer(row.arguments).outcome.qualificationBits) {
        let words = Self.manual[bit.bit]
        #expect(bit.meaning.contains(bit.value == 1 ? words.set : words.clear), "bit \(bit.bit): \(bit.meaning)")
        // A bit that the manual leaves undefined when it does not count may not be told as a fact.
        if bit.value == 0, [6, 9, 10, 11, 14].contains(bit.bit) { #expect(bit.meaning.contains("or undefined")) }
        if bit.value == 1 { set.insert(bit.bit) } else { clear.insert(bit.bit) }
      }
    }
    // Shadow-stack accesses and those without a linear address are a script's only, and nothing here is asynchronous.
    #expect(set == Set(0...16).subtracting([13, 16]))
    #expect(clear == Set(0...16).subtracting([7]))
  }

  @Test("of shadow-stack accesses and of accesses without a linear address is a script's to ask for")
  func script() throws {
    let script = """
      gpa 5123 sr
      gpa 5123 sw
      gpa 5123 w lv=0
      gpa 5123 r walk=1 laddr=0x40123
      """
    let outcome = try Program.run(["walk", "--script", "-"] + WalkWorld(leaf: 0).options, text: script)
    let bits: [Set<Int>] = [[0, 7, 8, 13], [1, 7, 8, 13], [1], [0, 7]]
    let answers = outcome.output.split(separator: "\n")
    #expect(outcome.status == 0 && answers.count == 4)
    for (answer, bits) in zip(answers, bits) {
      let expected = bits.reduce(0 as UInt64) { $0 | 1 << UInt64($1) }
      #expect(answer.hasPrefix("VIOL qual=\(String(expected, radix: 16)) gpa=5123 "), "\(answer)")
    }
  }

  @Test("goes with the entry that withheld what was needed")
  func denial() throws {
    let page = WalkWorld.pte(of: WalkWorld.gpa)
    let text = try WalkWorld(leaf: 1 | WalkWorld.writeBack).text(["--gpa", "0x5123", "--access", "rw"])
    #expect(text.contains("  denied: write (bit 1 is clear in the EPT PTE at \(hex(page)))"))
    #expect(!text.contains { $0.hasPrefix("  denied: read") })
    let above = try WalkWorld().with([0x2000: 0x3001, 0x3000: 0x4003]).text(["--gpa", "0x5123", "--access", "x"])
    #expect(
      above.filter { $0.hasPrefix("  denied: ") } == [
        "  denied: fetch (bit 2 is clear in the EPT PDPTE at 0x2000)",
        "  denied: fetch (bit 2 is clear in the EPT PDE at 0x3000)",
      ])
    let user = try WalkWorld(leaf: 7 | WalkWorld.writeBack).paging(7).with("ctl mbec=1")
      .text(["--linear", "0x40123", "--access", "x", "--user"])
    #expect(user.contains("  denied: fetch (bit 10 is clear in the EPT PTE at \(hex(page)))"))
    let absent = try WalkWorld().with([0x3000: 0]).text(["--gpa", "0x5123"])
    #expect(absent.contains("  denied: the EPT PDE at 0x3000 is not present"))
    let wide = try WalkWorld().text(["--gpa", "0x1000000000000"])
    #expect(wide.contains("  denied: bits beyond 47 of the guest-physical address are set"))
  }
}
