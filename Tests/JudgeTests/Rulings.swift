import EPT
import Testing

@testable import judge

/// What the manual says where Bochs departs from it: a script, and the answers that it wants.
struct Ruling {
  /// Lines of the walk protocol.
  let script: String
  /// One answer a query.
  let answers: [String]
  /// Where the manual says so, by section and table title, as their numbers move.
  let source: String

  /// Tables that map guest-physical 5000H to 200000H, by way of tables at 1000H to 4000H.
  private static let tables = """
    cap maxpa=40 adv=0
    w64 1000 2007
    w64 2000 3007
    w64 3000 4007
    w64 4028 200037
    eptp 101e

    """

  /// The ruling on each deviation.
  static func on(_ deviation: Deviation) -> Ruling {
    switch deviation {
    case .largePageBit12:
      Ruling(
        script: tables + """
          w64 3008 4010b7
          w64 2008 400010b7
          gpa 200000 r laddr=0x200000
          gpa 40000000 r laddr=0x40000000
          """,
        answers: ["MISC gpa=200000 |W |pml=1ff", "MISC gpa=40000000 |W |pml=1ff"],
        source: """
          vol. 3C, "EPT Misconfigurations": a reserved bit is set; tables "Format of an EPT Page-Directory Entry (PDE) that Maps a \
          2-MByte Page": bits 20:12 reserved, and "Format of an EPT Page-Directory-Pointer-Table Entry (PDPTE) that Maps a 1-GByte \
          Page": bits 29:12 reserved. There is no PAT bit 12 as in the guest's entries.
          """)
    case .logWithOffset:
      Ruling(
        script: tables + """
          ctl pml=1
          pml 60000 1ff
          eptp 105e
          gpa 5123 w laddr=0x5123
          """,
        answers: ["OK hpa=200123 |W 60ff8=5000 1000=2107 2000=3107 3000=4107 4028=200337 |pml=1fe"],
        source: """
          vol. 3C, "Page-Modification Logging": the address written to the log is 4-KByte aligned, its bits 11:0 are always 0.
          """)
    case .logFullWithoutFlag:
      Ruling(
        script: tables + """
          w64 1000 2107
          w64 2000 3107
          w64 3000 4107
          w64 4028 200337
          ctl pml=1
          pml 60000 ffff
          eptp 105e
          gpa 5000 w laddr=0x5000
          w64 4028 200137
          gpa 5000 r laddr=0x5000
          gpa 5000 w laddr=0x5000
          """,
        answers: ["OK hpa=200000 |W |pml=ffff", "OK hpa=200000 |W |pml=ffff", "PMLFULL |W |pml=ffff"],
        source: """
          vol. 3C, "Page-Modification Logging": the index is examined when an access first needs to set an accessed or dirty flag; only \
          then is there a log-full event.
          """)
    case .indexOfLastSwitch:
      Ruling(
        script: tables + """
          ctl ve=1
          eptplist 61000
          w64 61018 101e
          vmfunc 0 3
          veinfo 60000 5
          gpa 6000 r laddr=0x6000
          """,
        answers: [
          "OK eptp=101e idx=3 |W |pml=1ff",
          "VE |W 60000=30 60000=ffffffff00000030 60008=181 60010=6000 60018=6000 60020=5 |pml=1ff",
        ],
        source: """
          vol. 3C, "Virtualization-Exception Information", table "Format of the Virtualization-Exception Information Area": at offset 32 \
          the current value of the EPTP-index VM-execution control, which software may have written since VMFUNC did.
          """)
    case .walkWithoutRead:
      Ruling(
        script: tables + """
          w64 4028 200031
          eptp 105e
          gpa 5008 r laddr=0x1120 walk=1
          """,
        answers: ["VIOL qual=8b gpa=5008 gla=1120 |W |pml=1ff"],
        source: """
          vol. 3C, "Basic VM-Exit Information", table "Exit Qualification for EPT Violations", note to bits 0 and 1: with accessed and \
          dirty flags for EPT, accesses to guest paging-structure entries are treated as writes, and such a violation sets both bit 0 \
          and bit 1.
          """)
    case .guestFlagsUnchecked:
      Ruling(
        script: tables + """
          w64 4000 20031
          w64 20000 7
          reg cr3=0x0
          la 0 r user=0
          """,
        answers: ["VIOL qual=8b gpa=0 gla=0 |W |pml=1ff"],
        source: """
          vol. 3C, "EPT Violations": writes by the processor to guest paging structures to update accessed and dirty flags are data writes, \
          and a data write is a violation if bit 1 is clear in any EPT entry used; table "Exit Qualification for EPT Violations", bit \
          8: clear for the update of an accessed or dirty bit.
          """)
    case .vectorOddBits:
      Ruling(
        script: tables + """
          w64 4028 2000000000200035
          w64 60000 61001
          w64 61000 62001
          w64 62000 63001
          w64 63028 3
          ctl spp=1
          spptp 60000
          gpa 5000 w laddr=0x5000
          """,
        answers: ["SPP qual=0 gpa=5000 gla=5000 |W |pml=1ff"],
        source: """
          vol. 3C, "Sub-Page Write Permissions" and what follows there on the determination of an access's permission: the odd bits of a \
          vector are reserved and must be 0; an entry or vector with a reserved bit set is an SPP misconfiguration.
          """)
    case .supervisorStackRule:
      Ruling(
        script: tables + """
          w64 4030 1000000000201031
          eptp 109e
          gpa 5000 sr laddr=0x5000 sss=1
          gpa 6000 sw laddr=0x6000 sss=1
          """,
        answers: ["VIOL qual=21b9 gpa=5000 gla=5000 |W |pml=1ff", "OK hpa=201000 |W |pml=1ff"],
        source: """
          vol. 3C, "EPT Violations": with EPTP bit 7, a supervisor shadow-stack access is a violation if bit 0 is clear in any entry used, \
          bit 1 in any that does not map the page, or bit 60 in the one that does; bit 1 of that one is not asked for.
          """)
    case .bit14Undefined:
      Ruling(
        script: tables + """
          w64 4028 1000000000200030
          eptp 109e
          gpa 5000 r laddr=0x5000
          """,
        answers: ["VIOL qual=181 gpa=5000 gla=5000 |W |pml=1ff"],
        source: """
          vol. 3C, table "Exit Qualification for EPT Violations", bit 14: bit 60 of the entry that maps the page, undefined if the translation \
          ends before one; gi-bench leaves undefined bits 0.
          """)
    }
  }
}

@Suite("Where Bochs departs from the manual")
struct RulingTests {
  @Test("gi-bench answers as the manual says", arguments: Deviation.allCases)
  func ruling(_ deviation: Deviation) {
    let ruling = Ruling.on(deviation)
    var script = WalkScript()
    var answer = ScriptAnswer()
    Array((ruling.script + "\n").utf8).withUnsafeBytes { script.feed($0, &answer) }
    let answers = String(decoding: answer.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    #expect(answers == ruling.answers, "\(deviation.rawValue): SDM \(ruling.source)")
  }
}
