import Addresses
import Testing

@testable import EPT

@Suite("The EPT walk protocol")
struct ProtocolTests {
  /// Answers of a script, line by line.
  static func answers(_ text: String, pieces: Int = .max) -> (lines: [String], session: WalkScript) {
    var session = WalkScript()
    var answer = ScriptAnswer()
    let bytes = Array(text.utf8)
    var start = 0
    while start < bytes.count {
      let end = min(bytes.count, start + min(pieces, bytes.count))
      bytes[start..<end].withUnsafeBytes { session.feed($0, &answer) }
      start = end
    }
    session.finish(&answer)
    let lines = String(decoding: answer.bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    return (lines.dropLast().map(String.init), session)
  }

  static let example = """
    cap maxpa=46 adv=0      # the memory of the worked vectors
    w64 1000 2007
    w64 2000 3007
    w64 3000 4007
    w64 4028 7031
    eptp 101e

    gpa 5123 r laddr=0x5123 lv=1
    gpa 5123 w laddr=0x5123 lv=1

    """

  @Test("answers its own example, in pieces of any size")
  func example() {
    Claims.table("the protocol's example") {
      for pieces in [1, 2, 7, 1000] {
        let (lines, session) = Self.answers(Self.example, pieces: pieces)
        claim(
          lines == ["OK hpa=7123 |W |pml=1ff", "VIOL qual=18a gpa=5123 gla=5123 |W |pml=1ff"],
          "pieces of \(pieces): \(lines)")
        claim(session.failures == 0, "no failure")
      }
      let withoutEnd = String(Self.example.trimmingSuffix { $0 == "\n" })
      claim(Self.answers(withoutEnd).lines.count == 2, "a last line without its end is served")
    }
  }

  @Test("defaults to linear accesses, PML index 1ff, EPTP 1e and supervisor mode")
  func defaults() {
    Claims.table("protocol defaults") {
      let (lines, _) = Self.answers(
        "gpa 123 w\ngpa 123 w lv=0\nla 123 r\nvmfunc 0 0\nctl vmfunc=0\nvmfunc 0 0\neptpok 1e\n")
      claim(
        lines == [
          "VIOL qual=182 gpa=123 gla=0 |W |pml=1ff", "VIOL qual=2 gpa=123 gla=0 |W |pml=1ff",
          "VIOL qual=81 gpa=0 gla=123 |W |pml=1ff", "VMFUNCEXIT |W |pml=1ff", "UD |W |pml=1ff", "1",
        ], "\(lines)")
    }
  }

  @Test("names line and fault of what it does not understand, changes nothing, and goes on")
  func errors() {
    Claims.table("protocol errors") {
      let bad = [
        "frobnicate", "w64", "w64 1000", "w64 1000 1 2", "w64 1004 1", "w64 zz 1", "w64 1000 11112222333344445",
        "w64 10000000000000 1", "r64", "r64 1001", "gpa", "gpa 1000", "gpa 1000 q", "gpa 1000 r laddr",
        "gpa 1000 r foo=1",
        "gpa 1000 r lv=2", "gpa 1000 r laddr=0x", "gpa 1000 r laddr=08", "gpa 1000 r laddr=-1", "la 1000", "la 1000 sr",
        "la 1000 r user=x", "la 1000 r size=0", "la 1000 r size=4097", "la 1000 r implicit=2", "gpa 1fff r size=2",
        "gpa 1000 r size=4097", "reg mode=64", "reg cet=1 wp=0", "reg pat=2", "reg pkru=0x100000000", "pdpte 4 1",
        "pdpte 0 3", "pdpte 0 400000000001", "pdpte 0", "movcr3", "movcr3 1 2", "cap walk5=2", "policy crossing=both",
        "policy memtype=2", "cap maxpa=35", "cap maxpa=53", "cap bar=1", "cap adv=2",
        "ctl ept=", "ctl vpid=65536", "reg cr3=", "reg cr9=1", "policy guestad=never", "policy cache=huge", "eptp",
        "eptp 1 2", "spptp", "pml 60000", "pml 60000 10000", "veinfo 1", "eptplist", "vmfunc 0", "eptpok", "invept 1",
        "invvpid 1 2", "trace 2", "trace", "zero 1", "\u{1F600}", String(repeating: "x ", count: 100),
        String(repeating: "y", count: 70000),
      ]
      for (index, line) in bad.enumerated() {
        let text = "eptp 101e\n\n\(line)\n" + Self.example
        let (lines, session) = Self.answers(text, pieces: index % 2 == 0 ? .max : 100)
        claim(lines.first?.hasPrefix("ERR line 3: ") == true, "'\(line.prefix(40))': \(lines.first ?? "nothing")")
        claim(Array(lines.dropFirst()) == Self.answers(Self.example).lines, "'\(line.prefix(40))' changed something")
        claim(session.failures == 1, "one failure")
      }
      let (lines, session) = Self.answers(
        "cap adv=0 maxpa=99\nctl mbec=1 pml=7\nreg pe=0 pg=3\npolicy rmwread=1 cache=x\n")
      claim(lines.count == 4 && session.failures == 4, "\(lines)")
      let fresh = WalkScript()
      claim(
        session.machine.capabilities == fresh.machine.capabilities && session.machine.controls == fresh.machine.controls
          && session.machine.guest == fresh.machine.guest && session.machine.policies == fresh.machine.policies,
        "a line that fails half-way changes nothing")
    }
  }

  @Test("refuses what the mode cannot have: shadow stacks without paging, addresses beyond five levels")
  func modeErrors() {
    Claims.table("protocol errors of modes") {
      for (setting, line) in [
        ("reg cet=1 pg=0", "la 1000 sr"), ("reg cet=1 mode=off", "la 1000 sw"), ("reg wp=0", "reg cet=1"),
        ("cap walk5=1\neptp 26", "gpa 10000000000000 r"),
      ] {
        let (lines, session) = Self.answers("\(setting)\n\(line)\n")
        claim(lines.count == 1 && lines[0].hasPrefix("ERR line") && session.failures == 1, "\(setting): \(lines)")
      }
      for (setting, answer) in [
        ("eptp 26", "VIOL qual=181 gpa=10000000000000 gla=0 |W |pml=1ff"),
        ("cap walk5=1\neptp 26\nctl ept=0", "OK hpa=10000000000000 |W |pml=1ff"),
      ] {
        let lines = Self.answers("\(setting)\ngpa 10000000000000 r\n").lines
        claim(lines == [answer], "\(setting): \(lines)")
      }
    }
  }

  @Test("traces each reference after the answer")
  func trace() {
    Claims.table("protocol trace") {
      let (lines, _) = Self.answers(Self.example + "trace 1\ngpa 5123 r\ntrace 0\ngpa 5123 r\n")
      claim(
        Array(lines.dropFirst(2)) == [
          "OK hpa=7123 |W |pml=1ff", "  ref 1 ept 4 1000 2007", "  ref 2 ept 3 2000 3007", "  ref 3 ept 2 3000 4007",
          "  ref 4 ept 1 4028 7031", "OK hpa=7123 |W |pml=1ff",
        ], "\(lines)")
    }
  }

  @Test("refuses images that are not whole words, overlap, or lie beyond MAXPHYADDR, each with a sentence")
  func images() {
    Claims.table("memory images") {
      let width = PhysicalAddressWidth(36) ?? .bits46
      for (images, words) in [
        ([("a", 0, 4096), ("b", 4096, 8)], []), ([("a", 4, 8)], ["multiple of 8"]), ([("a", 0, 9)], ["whole number"]),
        ([("a", 0, 0)], ["whole number"]), ([("a", 0, 4096), ("b", 0xff8, 16)], ["b: overlaps a"]),
        ([("b", 8, 8), ("a", 8, 8)], ["overlaps"]), ([("a", 1 << 36, 8)], ["beyond the 36 bits"]),
        ([("a", (1 << 36) - 8, 8)], []), ([("a", (1 << 36) - 8, 16)], ["beyond"]), ([("a", ~7, 64)], ["beyond"]),
      ] as [([(String, UInt64, UInt64)], [String])] {
        let faults = MemoryImage.faults(
          of: images.map { MemoryImage(name: $0.0, address: $0.1, byteCount: $0.2) }, on: width)
        claim(
          faults.count == words.count && zip(faults, words).allSatisfy { $0.contains($1) }, "\(images): \(faults)")
      }
    }
  }

  @Test("explains every entry, names the decisive one, and tells each bit of the qualification")
  func explanation() {
    Claims.table("explanations") {
      var session = Self.answers(Self.example).session
      let access = GuestAccess(GuestPhysicalAddress(0x5123), .dataWrite, gla: GuestLinearAddress(0x5123))
      let explanation = session.machine.explained(.physical(access))
      claim(explanation.steps.map(\.name) == ["EPT PML4E", "EPT PDPTE", "EPT PDE", "EPT PTE"], "four entries")
      let text = explanation.lines.joined(separator: "\n")
      for part in [
        "EPT violation, VM exit with reason 48", "exit qualification 0x18a", "5:3 memory type = 6 (WB)",
        "bit  1  1  the access was a data write", "bit  4  0  the guest-physical address was not writable",
        "denied: write (bit 1 is clear in the EPT PTE at 0x4028)",
      ] { claim(text.contains(part), "'\(part)' in\n\(text)") }
      for number in 0...16 { claim(text.contains("\n  bit \(number < 10 ? " " : "")\(number)  "), "bit \(number)") }
    }
  }
}

extension String {
  fileprivate func trimmingSuffix(_ matches: (Character) -> Bool) -> Substring {
    var rest = self[...]
    while let last = rest.last, matches(last) { rest.removeLast() }
    return rest
  }
}
