import Foundation
import Testing

@testable import Recordings

/// Inputs in the shapes that people arrive with (`Fixtures/imports`): what each becomes, or how it is refused.
@Suite("A log that somebody has")
struct ImportCaseTests {
  static func bytes(_ name: String) throws -> Data {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/imports")
    return try Data(contentsOf: folder.appending(path: name))
  }

  static func convert(
    _ name: String, _ format: TextImport.Format?, lenient: Bool = false, tasks: Set<UInt64> = []
  ) throws -> (writes: [RecordedWrite], header: RecordingHeader, report: TextImport.Report) {
    try TextImportTests.convert(format, bytes(name), lenient: lenient, options: .init(tasks: tasks))
  }

  /// The error of an import, which must be one sentence and must not depend on leniency.
  static func refusal(_ name: String, _ format: TextImport.Format?, isLenientToo: Bool = true) throws -> RecordingError
  {
    let error = try #require(throws: RecordingError.self) { try convert(name, format) }
    #expect(!error.description.contains("\n") && !error.remedy.isEmpty)
    if isLenientToo {
      let lenient = #expect(throws: RecordingError.self) { try convert(name, format, lenient: true) }
      #expect(lenient?.expected.isEmpty == false)
    }
    return error
  }

  @Test(
    "of trace-cmd or perf is read as it is printed", arguments: ["trace-cmd-report.txt", "perf-script.txt"],
    [TextImport.Format.kvmPageFault, nil])
  func printed(name: String, format: TextImport.Format?) throws {
    let (writes, header, report) = try Self.convert(name, format)
    #expect(writes.map(\.gpa.rawValue) == [0x3ce_2000, 0x3ce_3000] && writes.map(\.vcpu) == [0, 0])
    #expect(writes[1].count - writes[0].count == 9000 && report.skipped == 0)
    #expect(header.recording.log?.tasks == [.init(task: 2101, name: "CPU 0/KVM", vcpu: 0, stores: 2)])
    #expect(header.recording.log?.coverage == .faults && header.recording.log?.time == .nanoseconds)
  }

  @Test("that lost events is a lower bound, and says so", arguments: ["lost-events.txt", "kvm-log.txt.gz"])
  func lost(name: String) throws {
    let (writes, header, _) = try Self.convert(name, .kvmPageFault)
    #expect(writes.map(\.gpa.rawValue) == [0x100_0000, 0x100_1000])
    #expect(header.recording.log?.lostEvents == 48211)
    #expect(header.recording.cautions.contains("a lower bound: 48211 events were lost"))
    #expect(header.recording.cautions.contains("nanoseconds, not instructions"))
  }

  @Test("of two machines is refused, and --task chooses one")
  func twoMachines() throws {
    let error = try Self.refusal("two-vms.txt", .kvmPageFault)
    #expect(error.line == 2 && error.found.contains("2101") && error.found.contains("9900"))
    #expect(error.found.contains("vCPU 0") && error.remedy.contains("--task 2101 or --task 9900"))
    let (one, first, _) = try Self.convert("two-vms.txt", .kvmPageFault, tasks: [2101])
    #expect(one.map(\.gpa.rawValue) == [0x100_0000] && first.recording.log?.otherTasksStores == 2)
    let (two, _, _) = try Self.convert("two-vms.txt", .kvmPageFault, tasks: [9900])
    #expect(two.map(\.gpa.rawValue) == [0x100_0000, 0x100_2000])
    let none = #expect(throws: RecordingError.self) { try Self.convert("two-vms.txt", .kvmPageFault, tasks: [7]) }
    #expect(none?.found.contains("task 9900 (CPU 0/KVM)") == true)
  }

  @Test("that holds other events only is refused, and says which")
  func otherEvents() throws {
    let error = try Self.refusal("kvm-exit-only.txt", .kvmPageFault)
    #expect(error.found.contains("1 kvm_exit by EPT_VIOLATION, which carry no address"))
    #expect(error.remedy.contains("kvm:kvm_page_fault"))
  }

  @Test("that is none is refused by every format", arguments: TextImport.Format.allCases)
  func garbage(format: TextImport.Format) throws {
    _ = try Self.refusal("garbage.txt", format)
  }

  @Test("that is none is not guessed either")
  func garbageGuessed() throws {
    let error = try Self.refusal("garbage.txt", nil)
    #expect(error.found.contains("root:x:0:0:root:/root:/bin/bash"))
    _ = try Self.refusal("policy-outside.json", nil)
  }

  @Test("named wrongly is refused, and what it looks like is named")
  func wrongName() throws {
    #expect(try Self.refusal("pinatrace.out", .drmemtrace).remedy.contains("--from pin"))
    #expect(try Self.refusal("perf-script.txt", .lackey).remedy.contains("--from kvm-page-fault"))
  }

  @Test("of drmemtrace needs no line of dashes, and no number of instructions")
  func drmemtrace() throws {
    let (grepped, header, _) = try Self.convert("drmemtrace-grepped.txt", .drmemtrace)
    #expect(grepped.map { $0.gva?.rawValue } == [0x7ffd_90c1_3950, 0x7ffd_90c1_394c])
    #expect(grepped.map(\.count) == [37775, 37777] && grepped.map(\.size) == [8, 4])
    #expect(header.recording.log?.time == .instructions)
    let (old, oldHeader, _) = try Self.convert("drmemtrace-v4.txt", .drmemtrace)
    #expect(old.map { $0.gva?.rawValue } == [0x7f88_81e3_7a70] && old[0].rip?.rawValue == 0x40_2680)
    // It numbers records, not instructions.
    #expect(old[0].count == 173371 && oldHeader.recording.log?.time == .records)
  }

  @Test("of lackey may hold superblocks; the program's own lines are left out on demand")
  func lackey() throws {
    let (writes, _, report) = try Self.convert("lackey-superblocks.txt", .lackey)
    #expect(writes.count == 1 && report.skipped == 0)
    #expect(try Self.refusal("lackey-mixed.txt", .lackey, isLenientToo: false).line == 4)
    let (mixed, header, lenient) = try Self.convert("lackey-mixed.txt", .lackey, lenient: true)
    #expect(mixed.count == 2 && lenient.skipped == 1 && header.recording.log?.skippedLines == 1)
  }

  @Test("of execlog that is torn says so, and names the remedy")
  func torn() throws {
    let error = try Self.refusal("execlog-torn.txt", .execlogUser, isLenientToo: false)
    #expect(error.line == 2 && error.found.contains("torn") && error.remedy.contains("--lenient"))
    let (writes, _, report) = try Self.convert("execlog-torn.txt", .execlogUser, lenient: true)
    #expect(writes.map { $0.gva?.rawValue } == [0x40_0282_6758] && report.skipped == 1)
  }

  @Test("of Pin is read", arguments: [TextImport.Format.pin, nil])
  func pin(format: TextImport.Format?) throws {
    let (writes, header, _) = try Self.convert("pinatrace.out", format)
    #expect(writes.map { $0.gva?.rawValue } == [0x7ffd_6a0d_2f38] && writes[0].rip?.rawValue == 0x7f21_c01d_f2d0)
    #expect(header.recording.addresses == .virtual && header.recording.log?.hasSizes == false)
  }
}
