import Addresses
import Testing

@testable import Recordings

@Suite("The check of a trace")
struct RecordingCheckTests {
  /// A sound recording of a driver and one attack; each test breaks one thing.
  struct Recording {
    var description = RecordingDescription(
      title: "check", origin: .synthetic, guest: .init(ramBytes: 1 << 20, vcpus: 2), recorder: .init(name: "tests"))
    var records: [RecordedEntry] = []

    init() {
      description.marks = [.init(id: 7, name: "attack"), .init(id: 8, name: "forged")]
      description.regions = [.init(id: 1, name: "table", gpa: 0x5100, bytes: 64)]
      description.symbols = [.init(name: "entry", gpa: 0x6000, size: 5)]
      description.groundTruth = [
        .init(attack: "A", act: "hook", kind: .write, mark: "attack", gpa: 0x5108, bytes: 8, expected: "table"),
        .init(attack: "B", act: "forge", kind: .hypercall, mark: "forged", gpa: 0x9000, bytes: 7, expected: "refused"),
      ]
      call(1, count: 10)
      call(2, count: 11)
      call(4, count: 12)
      call(3, count: 13)
      records.append(.event(.map(map(0x20_0000, shift: 21, entry: 0x8000_0000_0000_00e3))))
      records.append(.event(.cr3(.init(vcpu: 0, count: 15, value: 0x1000))))
      write(20, 0x5000)
      mark(7, 21)
      write(22, 0x5104)
      mark(8, 23)
      call(2, count: 24, at: 0x9000)
      // Linear page 0x205 lies in the large page that is mapped to the first two megabytes.
      write(30, 0x5ffc, gva: 0x20_5ffc)
    }

    mutating func call(_ number: UInt64, count: UInt64, at gpa: UInt64 = 0x6000) {
      records.append(
        .event(
          .hypercall(
            .init(
              vcpu: 0, count: count, number: 0x4749_0000 + number, arguments: .init(),
              rip: GuestLinearAddress(gpa), ripAddress: GuestPhysicalAddress(gpa), rflags: 2, cpl: 0, cr3: 0x1000))))
    }

    func map(_ linear: UInt64, shift: Int, entry: UInt64) -> RecordedEvent.LinearMapping {
      .init(vcpu: 0, count: 14, cr3: 0x1000, linear: GuestLinearAddress(linear), pageShift: shift, entry: entry)
    }

    mutating func mark(_ id: UInt64, _ count: UInt64) {
      records.append(.event(.mark(.init(vcpu: 0, count: count, id: id, rip: GuestLinearAddress(0x6100)))))
    }

    mutating func write(_ count: UInt64, _ gpa: UInt64, gva: UInt64? = nil) {
      records.append(
        .write(
          RecordedWrite(
            vcpu: 0, count: count, gpa: GuestPhysicalAddress(gpa), size: 8, gva: gva.map { GuestLinearAddress($0) })))
    }

    /// The findings, with the header changed behind the writer's back if asked.
    func findings(header change: (inout RecordingHeader) -> Void = { _ in }) throws -> [RecordingCheck.Finding] {
      let folder = Folder()
      let writer = try RecordingWriter(path: folder.file("t"), description: description, options: .init(level: 1))
      for record in records { try writer.append(record) }
      _ = try writer.finish()
      try Forge.header(of: folder.file("t"), change)
      return try RecordingCheck.findings(in: RecordingReader(path: folder.file("t")))
    }
  }

  @Test("finds nothing in a sound one, attacks included")
  func sound() throws { #expect(try Recording().findings() == []) }

  @Test(
    "finds each planted corruption, under its name, and nothing else",
    arguments: [
      ("pages in the header", .totals), ("instructions in the header", .order), ("memory too small", .ranges),
      ("empty region", .ranges), ("misaligned mapping", .tables), ("absent entry", .tables), ("wide CR3", .tables),
      ("store by another page", .translations), ("store after another CR3", .translations),
      ("hypercall under another CR3", .translations), ("unnamed mark", .marks),
      ("store that is not the attack", .groundTruth), ("truth without a mark", .groundTruth),
      ("truth beside its region", .groundTruth), ("forged call elsewhere", .groundTruth),
      ("call before GI_INIT", .hypercalls), ("second GI_INIT", .hypercalls), ("exit without enter", .hypercalls),
      ("protect outside a window", .hypercalls), ("unknown number", .hypercalls),
    ] as [(String, RecordingCheck.Invariant)])
  func planted(what: String, invariant: RecordingCheck.Invariant) throws {
    var recording = Recording()
    var change: (inout RecordingHeader) -> Void = { _ in }
    switch what {
    case "pages in the header": change = { $0.totals.pages += 1 }
    case "instructions in the header": change = { $0.totals.instructions[0] = 29 }
    case "memory too small": change = { $0.recording.guest.ramBytes = 0x6000 }
    case "empty region": recording.description.regions.append(.init(id: 2, name: "nothing", gpa: 0, bytes: 0))
    case "misaligned mapping":
      recording.records[4] = .event(.map(recording.map(0x20_1000, shift: 21, entry: 1)))
    case "absent entry": recording.records[4] = .event(.map(recording.map(0x20_0000, shift: 21, entry: 0xe2)))
    case "wide CR3": recording.records[5] = .event(.cr3(.init(vcpu: 0, count: 15, value: 1 << 52 | 0x1000)))
    case "store by another page": recording.write(40, 0x5000, gva: 0x20_6000)
    case "store after another CR3":
      recording.records.append(.event(.cr3(.init(vcpu: 0, count: 40, value: 0x2000))))
      recording.write(41, 0x5000, gva: 0x20_5000)
    case "hypercall under another CR3":
      recording.records.append(.event(.cr3(.init(vcpu: 0, count: 40, value: 0x2000))))
      recording.call(8, count: 41)
    case "unnamed mark": recording.mark(99, 40)
    case "store that is not the attack":
      recording.records[8] = .write(.init(vcpu: 0, count: 22, gpa: .init(0x5110), size: 8))
    case "truth without a mark": recording.description.groundTruth[0].mark = "other"
    case "truth beside its region": recording.description.regions[0].gpa = 0x5110
    case "forged call elsewhere":
      recording.records.remove(at: 10)
    case "call before GI_INIT": recording.records.remove(at: 0)
    case "second GI_INIT": recording.call(1, count: 50)
    case "exit without enter":
      recording.records.remove(at: 10)
      recording.description.groundTruth.removeLast()
      recording.call(3, count: 50)
    case "protect outside a window": recording.records.remove(at: 1)
    case "unknown number": recording.call(0x77, count: 50)
    default: Issue.record("no such corruption: \(what)")
    }
    let findings = try recording.findings(header: change)
    #expect(!findings.isEmpty)
    #expect(Set(findings.map(\.invariant)) == [invariant], "\(findings)")
  }

  @Test("lists a few findings of a kind, and counts the rest")
  func many() throws {
    var recording = Recording()
    for count in 0..<20 as Range<UInt64> { recording.mark(1000 + count, 100 + count) }
    let findings = try recording.findings()
    #expect(findings.count == 6)
    #expect(findings.last?.description == "and 15 more like these")
  }
}
