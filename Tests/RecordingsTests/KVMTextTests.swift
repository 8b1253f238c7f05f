import Foundation
import Testing

@testable import Recordings

@Suite("KVM's events as text")
struct KVMTextTests {
  static func convert(_ text: String, options: TextImport.Options = .init()) throws -> (
    writes: [RecordedWrite], header: RecordingHeader
  ) {
    let (writes, header, _) = try TextImportTests.convert(.kvmPageFault, text, options: options)
    return (writes, header)
  }

  @Test(
    "give the same store, whichever tool and kernel wrote them",
    arguments: [
      // ftrace, with and without the flags column, the vCPU, the name of the task.
      "       CPU 0/KVM-2101    [002] ...1.   311.400121: kvm_page_fault: vcpu 0 rip 0xffffffff81e4a060 address 0x0000000003ce2000 error_code 0x182",
      "       CPU 0/KVM-2101    [002] d...   311.400121: kvm_page_fault: address 3ce2000 error_code 182",
      "           <...>-2101    [002] ....   311.400121: kvm_page_fault: address 3ce2000 error_code 2",
      "       CPU 0/KVM-2101    (   2101) [002] ...1.   311.400121: kvm_page_fault: vcpu 0 rip 0xffffffff81e4a060 address 0x0000000003ce2000 error_code 0x182",
      "       CPU 0/KVM-2101    (-------) [002] ...1.   311.400121: kvm_page_fault: vcpu 0 rip 0xffffffff81e4a060 address 0x0000000003ce2000 error_code 0x182",
      " qemu-system-x86-2101  [002]   311.400121: kvm_page_fault:       address 3ce2000 error_code 182  ",
      // perf script, its fields in several choices.
      "       CPU 0/KVM  2101 [002]   311.400121: kvm:kvm_page_fault: vcpu 0 rip 0xffffffff81e4a060 address 0x0000000003ce2000 error_code 0x182",
      " qemu-system-x86  2101/2101  [002]   311.400121:   kvm:kvm_page_fault: vcpu 0 rip 0xffffffff81e4a060 address 0x3ce2000 error_code 0x182",
      "       CPU 0/KVM  2101   311.400121000: kvm:kvm_page_fault: vcpu 0, rip 0xffffffff81e4a060, address 0x3ce2000, error_code 0x182",
      // An exit that carries the address.
      " qemu-system-x86-2101  [002]   311.400121: kvm_exit:             reason EXIT_NPF rip 0xffffffff81e4a060 info 100000006 3ce2000",
      " qemu-system-x86-2101  [002] ...1.  311.400121: kvm_exit: vcpu 0 reason npf rip 0xffffffff81e4a060 info1 0x0000000100000006 info2 0x0000000003ce2000 intr_info 0x00000000 error_code 0x00000000",
      " qemu-system-x86-2101  [002] ...1.  311.400121: kvm_exit: vcpu 0 reason EPT_VIOLATION rip 0xffffffff81e4a060 info1 0x0000000000000182 info2 0x0000000000000000 gpa 0x3ce2000",
    ])
  func forms(line: String) throws {
    let (writes, header) = try Self.convert(line + "\n")
    #expect(writes.map(\.gpa.rawValue) == [0x3ce_2000] && writes[0].vcpu == 0)
    let hasPointer = line.contains("rip ")
    #expect(writes[0].rip?.rawValue == (hasPointer ? 0xffff_ffff_81e4_a060 : 0))
    let task = try #require(header.recording.log?.tasks?.first)
    #expect(task.task == 2101 && task.stores == 1)
    #expect(task.name == (line.contains("<...>") ? nil : line.contains("qemu") ? "qemu-system-x86" : "CPU 0/KVM"))
  }

  @Test("count a nested page fault once, though exit and fault both tell of it")
  func nestedFault() throws {
    let (writes, header) = try Self.convert(
      """
       qemu-1-2101  [002]  10.000001: kvm_exit: reason EXIT_NPF rip 0x100 info 100000006 5000
       qemu-1-2101  [002]  10.000002: kvm_page_fault: address 5000 error_code 6
       qemu-1-2102  [003]  10.000003: kvm_exit: reason EXIT_NPF rip 0x200 info 100000006 6000
       qemu-1-2102  [003]  10.000004: kvm_exit: reason EXIT_NPF rip 0x200 info 100000006 6000
       qemu-1-2101  [002]  10.000005: kvm_exit: reason EXIT_NPF rip 0x104 info 100000004 7000
       qemu-1-2101  [002]  10.000006: kvm_page_fault: address 8000 error_code 6

      """)
    #expect(writes.map(\.gpa.rawValue) == [0x5000, 0x6000, 0x6000, 0x8000])
    #expect(writes.map(\.vcpu) == [0, 1, 1, 0])
    // The exit before a fault tells its instruction; the same one at the same address again is told.
    #expect(writes.map { $0.rip?.rawValue } == [0x100, 0x200, 0x200, 0x104])
    #expect(header.recording.log?.repeatedFaults == 1)
    #expect(header.recording.cautions.contains { $0.hasPrefix("1 fault repeats the one before") })
  }

  @Test(
    "tell how many events were lost, in the words of every tool",
    arguments: [
      ("CPU:2 [LOST 48211 EVENTS]", 48211, 0), ("CPU:7 [204600 EVENTS DROPPED]", 204600, 0),
      ("CPU:7 [EVENTS DROPPED]", 0, 1), ("CPU:0 [LOST EVENTS]", 0, 1),
      ("# entries-in-buffer/entries-written: 1000/1250   #P:4", 250, 0),
      ("# entries-in-buffer/entries-written: 1250/1250   #P:4", 0, 0),
      ("   perf  7 [002]   1.000002: PERF_RECORD_LOST lost 12", 12, 0),
      ("Processed 1234 events and lost 5 chunks!", 0, 1),
    ])
  func lost(line: String, events: UInt64, places: UInt64) throws {
    let fault = "x-1 [0] .. 1.000001: kvm_page_fault: address 8 error_code 2\n"
    let (_, header) = try Self.convert(fault + line + "\n")
    let log = try #require(header.recording.log)
    #expect((log.lostEvents ?? 0) == events && (log.unknownLosses ?? 0) == places)
    #expect(header.recording.cautions.contains { $0.contains("lost") } == (events + places > 0))
  }

  @Test("of two processes are two machines, whatever their vCPUs")
  func processes() throws {
    let text = """
      CPU 0/KVM  2101/2105 [002] 1.000001: kvm:kvm_page_fault: vcpu 0 rip 0x1 address 0x1000 error_code 0x2
      CPU 1/KVM  9900/9906 [002] 1.000002: kvm:kvm_page_fault: vcpu 1 rip 0x1 address 0x2000 error_code 0x2

      """
    let error = #expect(throws: RecordingError.self) { try Self.convert(text) }
    #expect(error?.remedy.contains("--task 2101 or --task 9900") == true)
    let (writes, header) = try Self.convert(text, options: .init(tasks: [9900]))
    #expect(writes.map(\.gpa.rawValue) == [0x2000] && writes[0].vcpu == 1)
    #expect(header.recording.log?.tasks?.first?.process == 9900)
    // Both, if somebody says that they belong together.
    #expect(try Self.convert(text, options: .init(tasks: [2101, 9900])).writes.count == 2)
  }

  @Test("leave devices out, and what lies beyond the guest's memory")
  func devices() throws {
    let addresses: [UInt64] = [
      0x9_ffff, 0xa_0000, 0xb_8000, 0x10_0000, 0xfec0_0000, 0xfee0_00b0, 0x1_0000_0000, 0x2_0000_0000,
    ]
    let text = addresses.enumerated().map { index, address in
      "x-1 [0] .. 1.00000\(index): kvm_page_fault: address \(String(address, radix: 16)) error_code 2\n"
    }.joined()
    let (writes, header) = try Self.convert(text)
    #expect(writes.map(\.gpa.rawValue) == [0x9_ffff, 0x10_0000, 0x1_0000_0000, 0x2_0000_0000])
    #expect(header.recording.log?.deviceStores == 4 && header.recording.guest.ramBytes == nil)
    let (bounded, known) = try Self.convert(text, options: .init(ramBytes: 0x2_0000_0000))
    #expect(bounded.map(\.gpa.rawValue) == [0x9_ffff, 0x10_0000, 0x1_0000_0000])
    #expect(known.recording.log?.deviceStores == 5 && known.recording.guest.ramBytes == 0x2_0000_0000)
  }

  @Test("keep what was written to the trace marker as marks")
  func marks() throws {
    let folder = Folder()
    let text = """
      x-1 [0] .. 1.000001: kvm_page_fault: address 1000 error_code 2
      bash-7 [1] .. 1.000002: tracing_mark_write: exploit starts
      bash-7 [1]  1.000003: print:                tracing_mark_write: exploit ends
      x-1 [0] .. 1.000004: kvm_page_fault: address 2000 error_code 2

      """
    try Data(text.utf8).write(to: URL(filePath: folder.file("text")))
    let log = try TextImport(.kvmPageFault, InputStream(path: folder.file("text")))
    let writer = try RecordingWriter(path: folder.file("t"), description: log.description(title: "t"))
    let header = try log.convert(into: writer).summary.header
    #expect(header.recording.marks.map(\.name) == ["exploit starts", "exploit ends"] && header.totals.marks == 2)
    #expect(try RecordingCheck.findings(in: RecordingReader(path: folder.file("t"))).isEmpty)
  }

  @Test(
    "that are not among a log's events are missed by name",
    arguments: [
      ("bash-7 [1] d..2. 1.000002: sched_switch: prev_comm=bash", "such as sched_switch"),
      ("bash  7 [001]  1.000002:   sched:sched_switch: bash", "such as sched:sched_switch"),
      ("x-1 [0] .. 1.000001: kvm_entry: vcpu 0, rip 0x10", "1 other KVM events"),
    ])
  func others(line: String, found: String) throws {
    for isLenient in [false, true] {
      let error = #expect(throws: RecordingError.self) {
        try Self.convert(line + "\n", options: .init(isLenient: isLenient))
      }
      #expect(error?.found.contains(found) == true && error?.remedy.contains("kvm:kvm_page_fault") == true)
    }
  }

  @Test("of a clock without a fraction count its ticks")
  func ticks() throws {
    let (writes, header) = try Self.convert(
      "x-1 [0] .. 500: kvm_page_fault: address 1000 error_code 2\nx-1 [0] .. 512: kvm_page_fault: address 2000 error_code 2\n"
    )
    #expect(writes.map(\.count) == [0, 12] && header.recording.log?.time == .cycles)
  }
}
