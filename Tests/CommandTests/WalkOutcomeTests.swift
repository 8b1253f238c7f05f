import Addresses
import Testing

/// What becomes of an access, by SDM vol. 3C, "VMX Support for Address Translation", and vol. 3A, "Paging".
@Suite("walk: outcomes")
struct WalkOutcomeTests {
  private static let plain = ["--gpa", "0x5123"]
  private static let write = ["--gpa", "0x5123", "--access", "w"]
  private static let linear = ["--linear", "0x40123"]
  private static let writeBack = WalkWorld.writeBack

  /// The page frame is in bits 51:12, 51:21 or 51:30 of the entry that maps the page (bit 7 at the higher levels); the rest is
  /// the address's own.
  @Test(
    "translate to the entry's page frame and the address's offset, at every page size",
    arguments: [
      (0x3_4567_8abc, [0x1000: 0x2007, 0x2068: 0x3007, 0x3158: 0x4007, 0x43c0: 0x9_9000 | 0x37], 0x9_9abc),
      (0x3_4567_8abc, [0x1000: 0x2007, 0x2068: 0x3007, 0x3158: 0x5_4320_0000 | 0xb7], 0x5_4327_8abc),
      (0x3_4567_8abc, [0x1000: 0x2007, 0x2068: 0x8_4000_0000 | 0xb7], 0x8_4567_8abc),
      (0x8000_0000_0123, [0x1800: 0x2007, 0x2000: 0x4000_0000 | 0xb7], 0x4000_0123),
    ] as [(UInt64, [UInt64: UInt64], UInt64)])
  func translated(gpa: UInt64, words: [UInt64: UInt64], hpa: UInt64) throws {
    var world = WalkWorld()
    world.words = words
    let answer = try world.answer(["--gpa", "\(gpa)"])
    #expect(answer.schema == 1 && answer.eptp == "0x101e" && answer.eptpFaults.isEmpty && answer.writes.isEmpty)
    #expect(answer.outcome.kind == "translated" && answer.outcome.bySubPage == false)
    #expect(answer.outcome.hpa == hex(hpa) && answer.outcome.gpa == hex(gpa))
    #expect(answer.references.map(\.number) == Array(1...words.count))
    #expect(answer.references.map(\.level) == (0..<words.count).map { 4 - $0 })
    #expect(answer.references.map(\.address) == words.keys.sorted().map { hex($0) })
    #expect(answer.references.map(\.value) == words.sorted { $0.key < $1.key }.map { hex($0.value) })
    let text = try world.text(["--gpa", "\(gpa)"])
    #expect(text.contains { $0.hasPrefix("outcome: translated to host-physical \(hex(hpa)) ") })
  }

  @Test("name fields that tile the 64 bits of every entry read, each with its own bits")
  func fields() throws {
    let answer = try WalkWorld(leaf: 0x37).paging(1 << 63 | 7, "nxe=1").answer(Self.linear)
    #expect(answer.references.contains { $0.kind == "ept" } && answer.references.contains { $0.kind == "guest" })
    for reference in answer.references {
      let value = try #require(UInt64(reference.value.dropFirst(2), radix: 16))
      var next = 63
      for field in reference.fields {
        let bits = field.bits.split(separator: ":").compactMap { Int($0) }
        let (high, low) = (bits[0], bits[1])
        #expect(high == next && low <= high, "entry \(reference.number): \(field.bits)")
        let mask: UInt64 = high - low == 63 ? .max : 1 << UInt64(high - low + 1) - 1
        #expect(field.value == hex(value >> UInt64(low) & mask), "entry \(reference.number): \(field.name)")
        next = low - 1
      }
      #expect(next == -1, "entry \(reference.number)")
    }
    let leaf = try #require(answer.references.last)
    // Table "Format of an EPT Page-Table Entry that Maps a 4-KByte Page": bits 5:3 are the memory type, 6 is write-back.
    #expect(
      leaf.fields.contains { $0.bits == "5:3" && $0.name == "memory type" && $0.value == "0x6" && $0.meaning == "WB" })
  }

  /// Four guest entries, each behind four EPT entries, and four EPT entries for the page: 24.
  @Test("of a linear address take up to 24 references, which end at the page")
  func linear() throws {
    let answer = try WalkWorld().paging(7).answer(Self.linear)
    #expect(answer.references.count == 24)
    #expect(answer.references.filter { $0.kind == "guest" }.map(\.number) == [5, 10, 15, 20])
    #expect(answer.outcome.hpa == "0x5123" && answer.outcome.gpa == "0x5123")
  }

  @Test("store accessed and dirty flags: bit 8 of every entry used, bit 9 of the leaf that is written by")
  func flags() throws {
    let world = WalkWorld(leaf: 0x437).with([:], eptp: 0x105e)
    let expected =
      [("0x1000", 0x2407), ("0x2000", 0x3407), ("0x3000", 0x4407), ("0x4028", 0x5437)] as [(String, UInt64)]
    for (access, leaf) in [("r", 0x100), ("w", 0x300)] as [(String, UInt64)] {
      let writes = try world.answer(["--gpa", "0x5123", "--access", access]).writes
      let due = expected.map {
        WalkAnswer.Write(address: $0.0, value: hex($0.1 | ($0.0 == "0x4028" ? leaf : 0x100)))
      }
      #expect(writes.sorted { $0.address < $1.address } == due)
    }
    let text = try world.text(Self.write)
    #expect(text.contains("stored by the processor:"))
    #expect(text.contains("  0x4028 = 0x5737  (accessed or dirty flag of an EPT entry)"))
  }

  @Test("are a misconfiguration, with an exit qualification of 0, for write without read")
  func misconfiguration() throws {
    let world = WalkWorld(leaf: 2 | Self.writeBack)
    let answer = try world.answer(Self.plain)
    #expect(answer.outcome.kind == "misconfiguration" && answer.outcome.gpa == "0x5123")
    #expect(answer.references.last?.faults.count == 1 && answer.references.first?.faults == [])
    let text = try world.text(Self.plain)
    #expect(text.contains("outcome: EPT misconfiguration, VM exit with reason 49"))
    #expect(text.contains("  guest-physical address 0x5123, exit qualification 0"))
  }

  /// The sub-page-permission table is walked by bits 47:39, 38:30, 29:21 and 20:12 of the address; bit 2S of the vector allows
  /// writes to the 128 bytes of sub-page S (here 2, for offset 123H).
  @Test("of a write to a sub-page follow its permission vector")
  func subPages() throws {
    let world = WalkWorld(leaf: 1 | 1 << 61 | Self.writeBack).with("ctl spp=1", "spptp 8000")
      .with([0x8000: 0x9001, 0x9000: 0xa001, 0xa000: 0xb001, 0xb028: 1 << 4])
    let allowed = try world.answer(Self.write)
    #expect(
      allowed.outcome.kind == "translated" && allowed.outcome.bySubPage == true && allowed.outcome.hpa == "0x5123")
    #expect(allowed.references.suffix(4).map(\.kind) == ["spp", "spp", "spp", "spp"])
    #expect(allowed.references.suffix(4).map(\.address) == ["0x8000", "0x9000", "0xa000", "0xb028"])
    #expect(try world.text(Self.write).contains { $0.hasSuffix(", allowed by a sub-page permission)") })
    let neighbour = try world.answer(["--gpa", "0x5180", "--access", "w"]).outcome
    #expect(neighbour.kind == "violation" && neighbour.bySubPage == nil)
    // Table "Exit Qualification for SPP-Related Events": bit 11 is 1 for a miss, 0 for a misconfiguration.
    for (entry, value, kind, qualification, words) in [
      (0xa000, 0, "sppMiss", "0x800", "SPP miss"), (0xb028, 2, "sppMisconfiguration", "0x0", "SPP misconfiguration"),
      (0x9000, 0xa003, "sppMisconfiguration", "0x0", "SPP misconfiguration"),
    ] as [(UInt64, UInt64, String, String, String)] {
      let world = world.with([entry: value])
      let answer = try world.answer(Self.write)
      #expect(answer.outcome.kind == kind && answer.outcome.qualification == qualification)
      #expect(answer.outcome.gpa == "0x5123" && answer.outcome.gla == "0x5123")
      #expect(answer.references.last?.faults.count == 1)
      let text = try world.text(Self.write)
      #expect(text.contains("outcome: \(words), VM exit with reason 66"))
      #expect(text.contains { $0.hasPrefix("  exit qualification \(qualification), ") })
    }
  }

  /// "Page-Modification Logging": the log is full where the index is not in 0...511; the access is not done.
  @Test("are a page-modification log-full event before a dirty flag is set in a full log")
  func logFull() throws {
    let world = WalkWorld(leaf: 0x437).with([:], eptp: 0x105e).with("ctl pml=1", "pml 60000 ffff", "reg nmi=1")
    let answer = try world.answer(Self.write)
    #expect(answer.outcome.kind == "pmlFull" && answer.outcome.qualification == "0x1000" && answer.writes.isEmpty)
    let text = try world.text(Self.write)
    #expect(text.contains { $0.hasPrefix("outcome: page-modification log full, VM exit with reason 62") })
    #expect(text.contains("  exit qualification 0x1000"))
    let logged = try world.with("pml 60000 1ff").answer(Self.write)
    #expect(logged.outcome.kind == "translated")
    // The entry 511 of the log takes the address of the page.
    #expect(logged.writes.contains(.init(address: "0x60ff8", value: "0x5000")))
  }

  /// "Virtualization-Exception Information": the exit reason at offset 0, FFFFFFFFH at 4, exit qualification at 8, linear address
  /// at 16, guest-physical address at 24, EPTP index at 32.
  @Test("are a virtualization exception where the leaf does not suppress it")
  func exception() throws {
    let world = WalkWorld(leaf: 1 | Self.writeBack).with("ctl ve=1", "veinfo 70000 3", "reg pe=1")
    let arguments = Self.write + ["--laddr", "0xffff800000005123"]
    let answer = try world.answer(arguments)
    #expect(answer.outcome.kind == "virtualizationException" && answer.outcome.gla == "0xffff800000005123")
    // Bits 1 (a write), 3 (readable), 7 and 8 (a linear address, and its translation).
    #expect(answer.outcome.qualification == "0x18a")
    #expect(answer.outcome.qualificationBits?.filter { $0.value == 1 }.map(\.bit) == [1, 3, 7, 8])
    // What each word holds in the end.
    let information = Dictionary(answer.writes.map { ($0.address, $0.value) }) { $1 }
    #expect(
      information == [
        "0x70000": "0xffffffff00000030", "0x70008": "0x18a", "0x70010": "0xffff800000005123", "0x70018": "0x5123",
        "0x70020": "0x3",
      ])
    #expect(try world.text(arguments).contains("outcome: EPT violation, delivered to the guest as #VE (vector 20)"))
    let suppressed = try WalkWorld(leaf: 1 | 1 << 63 | Self.writeBack).with("ctl ve=1", "veinfo 70000 3", "reg pe=1")
      .answer(Self.write)
    #expect(suppressed.outcome.kind == "violation" && suppressed.writes.isEmpty)
  }

  /// Vol. 3A, "Page-Fault Exceptions", figure "Page-Fault Error Code": P 0, W/R 1, U/S 2, RSVD 3, I/D 4 (with NXE or SMEP).
  @Test(
    "are a page fault in the guest with the code of the figure",
    arguments: [
      (0, "", ["--access", "r"], 0), (0, "", ["--access", "w"], 2), (0, "", ["--access", "w", "--user"], 6),
      (3, "", ["--access", "w", "--user"], 7), (5, "wp=1", ["--access", "w"], 3),
      (5, "", ["--access", "w", "--user"], 7),
      (1 << 63 | 7, "nxe=1", ["--access", "x"], 0x11), (1 << 63 | 7, "nxe=0", ["--access", "r"], 9),
      (7, "smep=1", ["--access", "x"], 0x11), (7, "smap=1", ["--access", "r"], 1),
    ] as [(UInt64, String, [String], UInt64)])
  func pageFault(entry: UInt64, registers: String, arguments: [String], code: UInt64) throws {
    let world = WalkWorld().paging(entry, registers)
    let answer = try world.answer(Self.linear + arguments)
    #expect(answer.outcome.kind == "pageFault" && answer.outcome.errorCode == hex(code))
    #expect(answer.outcome.gla == "0x40123")
    let text = try world.text(Self.linear + arguments)
    #expect(text.contains("outcome: page fault in the guest, error code \(hex(code)), CR2 0x40123"))
    for bit in 0...4 as ClosedRange<UInt64> {
      #expect(text.contains { $0.hasPrefix("  bit \(bit)  \(code >> bit & 1)  ") })
    }
  }

  @Test("are #GP before any translation where the address is not canonical")
  func notCanonical() throws {
    let world = WalkWorld().paging(7)
    let answer = try world.answer(["--linear", "0x800000000000"])
    #expect(
      answer.outcome.kind == "notCanonical" && answer.outcome.gla == "0x800000000000" && answer.references.isEmpty)
    let text = try world.text(["--linear", "0x800000000000"])
    #expect(
      text.contains(
        "outcome: linear address 0x800000000000 is not canonical: #GP before any translation, #SS for a stack"))
  }

  /// Vol. 3C, "Checks on VMX Controls": what VM entry says of the EPTP.
  @Test(
    "come with every fault of the pointer that VM entry would refuse",
    arguments: [
      (0x101e, "", []), (0x1018, "", []), (0x101a, "", ["2:0"]), (0x101e, "cap wb=0", ["2:0"]), (0x1016, "", ["5:3"]),
      (0x105e, "", []), (0x105e, "cap ad=0", ["bit 6"]), (0x109e, "cap cet=0", ["bit 7"]), (0x1f1e, "", ["11:8"]),
      (0x40_0000_101e, "cap maxpa=38", ["MAXPHYADDR"]), (0x1f03, "", ["2:0", "5:3", "11:8"]),
    ] as [(UInt64, String, [String])])
  func pointer(eptp: UInt64, setting: String, faults: [String]) throws {
    var world = WalkWorld()
    // Beyond the address bits there is no memory.
    if eptp >> 36 == 0 { world.words[eptp & ~0xfff] = 0x2407 }
    world.eptp = eptp
    if !setting.isEmpty { world.settings = [setting] }
    let answer = try world.answer(Self.plain)
    #expect(answer.eptp == hex(eptp) && answer.eptpFaults.count == faults.count)
    for (sentence, bits) in zip(answer.eptpFaults, faults) { #expect(sentence.contains(bits)) }
    let text = try world.text(Self.plain)
    for sentence in answer.eptpFaults { #expect(text.contains("  VM entry would refuse this pointer: \(sentence)")) }
  }

  /// With --guest-table the access is one of the guest's page walk; with --user the linear address is user-mode.
  @Test("of --gpa take what leads to it from the options")
  func options() throws {
    let world = WalkWorld(leaf: 0)
    #expect(try world.answer(Self.plain).outcome.qualification == "0x181")
    #expect(try world.answer(Self.plain).outcome.gla == "0x5123")
    #expect(try world.answer(Self.plain + ["--user"]).outcome.qualification == "0x381")
    #expect(try world.answer(Self.plain + ["--guest-table"]).outcome.qualification == "0x81")
    #expect(try world.answer(Self.plain + ["--access", "x"]).outcome.qualification == "0x184")
    #expect(try world.answer(Self.plain + ["--laddr", "77"]).outcome.gla == "0x4d")
    // Without options there is neither memory nor a pointer to tables: not present at the first entry.
    let bare = try Program.run(["walk", "--gpa", "0"])
    #expect(bare.status == 0 && bare.output.contains("EPT violation, VM exit with reason 48"))
  }
}
