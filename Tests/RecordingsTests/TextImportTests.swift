import SeededRandom
import Foundation
import Testing

@testable import Recordings

@Suite("A text of another tool")
struct TextImportTests {
  /// Imports a text, and gives the trace back as records.
  static func convert(
    _ format: TextImport.Format?, _ text: String, lenient: Bool = false, options: TextImport.Options = .init()
  ) throws -> (writes: [RecordedWrite], header: RecordingHeader, report: TextImport.Report) {
    try convert(format, Data(text.utf8), lenient: lenient, options: options)
  }

  /// Imports the bytes of a file, and gives the trace back as records.
  static func convert(
    _ format: TextImport.Format?, _ bytes: Data, lenient: Bool = false, options: TextImport.Options = .init()
  ) throws -> (writes: [RecordedWrite], header: RecordingHeader, report: TextImport.Report) {
    let folder = Folder()
    try bytes.write(to: URL(filePath: folder.file("text")))
    var options = options
    if lenient { options.isLenient = true }
    let text = try TextImport(format, InputStream(path: folder.file("text")), options: options)
    let writer = try RecordingWriter(
      path: folder.file("t"), description: text.description(title: "test"),
      options: .init(columns: text.columns, level: 1))
    let report = try text.convert(into: writer)
    let reader = try RecordingReader(path: folder.file("t"))
    var writes: [RecordedWrite] = []
    try reader.forEachRecord { record in
      if case .write(let write) = record { writes.append(write) }
      return true
    }
    return (writes, reader.header, report)
  }

  static func store(
    _ vcpu: Int, _ count: UInt64, _ gpa: UInt64, _ size: Int, gva: UInt64? = nil, rip: UInt64, rest: UInt64? = nil
  ) -> RecordedWrite {
    RecordedWrite(
      vcpu: vcpu, count: count, gpa: .init(gpa), size: size, gva: gva.map { .init($0) }, rip: .init(rip),
      rest: rest.map { .init($0) })
  }

  @Test("gives a page a frame when it is touched, not when a store ends beside it")
  func framesOfTouchedPages() throws {
    let (writes, header, _) = try Self.convert(.lackey, " S 1fff000ff8,8\n S 1fff004000,4\n S 1fff001000,1\n")
    #expect(writes.map { $0.gpa.rawValue } == [0xff8, 0x1000, 0x2000])
    #expect(header.totals.pages == 3 && header.totals.pageLimit == 3)
    let (crossing, crossed, _) = try Self.convert(.lackey, " S 1fff000ffc,8\n S 1fff004000,4\n")
    #expect(crossing.map { $0.gpa.rawValue } == [0xffc, 0x2000] && crossed.totals.pages == 3)
  }

  @Test("of valgrind's lackey keeps stores and modifications, on frames in the order of first touch")
  func lackey() throws {
    // Recorded with `valgrind --tool=lackey --trace-mem=yes /bin/true`, 3.19.0; the last five lines are made up.
    let (writes, header, _) = try Self.convert(
      .lackey,
      """
      ==27747== Lackey, an example Valgrind tool
      ==27747== Command: /bin/true
      ==27747==\u{20}
      I  0401ab70,3
      I  0401ab73,5
       S 1fff000758,8
      I  0401b770,1
       S 1fff000750,8
      I  0401b771,7
       L 04036ff8,8
      I  0401b778,7
       M 04035000,4
       S 1fff000ffc,8
      I  0401b77f,5
       S 1ffeffffff,2
       S 2000000000,96

      """)
    #expect(header.recording.addresses == .virtual && header.recording.origin == .imported)
    #expect(header.totals.instructions == [6])
    #expect(
      writes == [
        Self.store(0, 2, 0x0758, 8, gva: 0x1f_ff00_0758, rip: 0x401_ab73),
        Self.store(0, 3, 0x0750, 8, gva: 0x1f_ff00_0750, rip: 0x401_b770),
        Self.store(0, 5, 0x1000, 4, gva: 0x403_5000, rip: 0x401_b778),
        // Over a page end, into a page first touched here.
        Self.store(0, 5, 0x0ffc, 8, gva: 0x1f_ff00_0ffc, rip: 0x401_b778, rest: 2),
        Self.store(0, 6, 0x3fff, 2, gva: 0x1f_feff_ffff, rip: 0x401_b77f, rest: 0),
        // More than a record can hold.
        Self.store(0, 6, 0x4000, 64, gva: 0x20_0000_0000, rip: 0x401_b77f),
        Self.store(0, 6, 0x4040, 32, gva: 0x20_0000_0040, rip: 0x401_b77f),
      ])
  }

  @Test("of QEMU's execlog keeps stores to RAM by physical address")
  func execlog() throws {
    // After the QEMU manual, "TCG plugins", "Execution log"; with stores, and a device.
    let (writes, header, _) = try Self.convert(
      .execlog,
      """
      0, 0xa12, 0xf8012400, "movs r4, #0"
      0, 0xa14, 0xf87f42b4, "cmp r4, r6"
      0, 0xd34, 0xf9c8f000, "bl #0x10c8"
      0, 0x10c8, 0xfff96c43, "ldr r3, [r0, #0x44]", load, 0x200000e4, RAM
      1, 0x10cc, 0xb5, "push {r4, lr}", store, 0x200000d8, RAM, store, 0x200000dc, RAM
      0, 0x10ce, 0x60, "str r0, [r4, #4]", load, 0x200000e8, RAM, store, 0x40004000, uart0

      """)
    #expect(header.recording.addresses == .guestPhysical)
    #expect(
      writes == [Self.store(1, 1, 0x2000_00d8, 1, rip: 0x10cc), Self.store(1, 1, 0x2000_00dc, 1, rip: 0x10cc)])
    let user = try Self.convert(.execlogUser, "0, 0x401000, 0x50, \"push rax\", store, 0x00007ffe0008\n")
    #expect(user.header.recording.addresses == .virtual)
    #expect(user.writes == [Self.store(0, 1, 8, 1, gva: 0x7ffe_0008, rip: 0x401000)])
  }

  @Test("of KVM's page faults keeps those of stores, in both forms of the event")
  func pageFaults() throws {
    // The events of two kernels, as ftrace prints them; addresses are made up.
    let (writes, _, _) = try Self.convert(
      .kvmPageFault,
      """
      # tracer: nop
             CPU 5/KVM-4145    [002] .....    86.581928: kvm_page_fault: vcpu 5 rip 0x7f08a4602116 address 0x0000000113600002 error_code 0x181
             CPU 7/KVM-4150    [001] .....    86.581936: kvm_page_fault: vcpu 7 rip 0xffffffff81511f37 address 0x0000000113674000 error_code 0x182
             CPU 7/KVM-4150    [001] d....    86.581937: kvm_entry: vcpu 7, rip 0xffffffff81511f37

      """)
    #expect(writes == [Self.store(7, 8000, 0x1_1367_4000, 1, rip: 0xffff_ffff_8151_1f37)])
    let old = try Self.convert(
      .kvmPageFault,
      """
                 a.out-20024 [001] .... 2323301.154942: kvm_page_fault: address 1000 error_code 14
                 a.out-20024 [001] .... 2323301.154952: kvm_page_fault: address 2008 error_code 2
                 b.out-20025 [001] .... 2323301.154962: kvm_page_fault: address 3000 error_code 3

      """)
    #expect(old.writes == [Self.store(0, 10000, 0x2008, 1, rip: 0), Self.store(1, 20000, 0x3000, 1, rip: 0)])
  }

  @Test("of drmemtrace's view keeps stores, a vCPU for each thread")
  func drmemtrace() throws {
    // After the DynamoRIO manual's samples of the view tool; the store lines are made up.
    let (writes, header, _) = try Self.convert(
      .drmemtrace,
      """
      Output format:
      <--record#-> <--instr#->: <---tid---> <record details>
      ------------------------------------------------------------
                 1           0:     2765542 <marker: version 5>
             47445       37770:     2765543 ifetch       5 byte(s) @ 0x0000000000404a7e 48 8b 5c 24 08       mov    0x08(%rsp)[8byte] -> %rbx
             47446       37770:     2765543 read         8 byte(s) @ 0x00007fdf64e2adc8 by PC 0x0000000000404a7e
             47447       37771:     2765542 write        8 byte(s) @ 0x00007fdf64e2adc0 by PC 0x0000000000404a83
             47448       37772: W0.T2765543 write       16 byte(s) @ 0x00007fdf64e2bff8 by PC 0x0000000000404a88
      View tool results:
                   4 : total instructions

      """)
    #expect(header.totals.vcpus == 2 && header.recording.addresses == .virtual)
    // The second runs over a page end, into a page whose frame happens to follow.
    #expect(
      writes == [
        Self.store(0, 37771, 0xdc0, 8, gva: 0x7fdf_64e2_adc0, rip: 0x404a83),
        Self.store(1, 37772, 0x1ff8, 16, gva: 0x7fdf_64e2_bff8, rip: 0x404a88),
      ])
  }

  @Test(
    "with one bad line is refused with the line's number, its text, and what was expected",
    arguments: [
      (.csv, "kind,vcpu,count,gpa,size\nwrite,0,1,0x10,8\n", "write,0,2,0x1g,8", "write,0,3,0x10,8\n"),
      (.csv, "kind,vcpu,count,gpa,size\nwrite,0,5,0x10,8\n", "write,0,4,0x10,8", "write,0,6,0x10,8\n"),
      (.csv, "kind,vcpu,count,gpa,size\nwrite,0,1,0x10,8\n", "write,0,2,0x10,8,9", "cr3,0,3,0x1000\n"),
      (.csv, "kind,vcpu,count,gpa,size\nwrite,0,1,0x10,8\n", "write,0,2,0x10,65", "mark,0,3,1,2\n"),
      (.lackey, "I  0401ab70,3\n S 1fff000758,8\n", " S 1fff0007", " S 1fff000758,8\n"),
      (.execlog, "0, 0x1, 0x2, \"a\", store, 0x8, RAM\n", "0, 0x1, store, 0x9, RAM", "0, 0x1, 0x2, \"b\"\n"),
      (
        .kvmPageFault, "x-1 [0] .. 1.000000: kvm_page_fault: address 8 error_code 2\n",
        "x-1 [0] .. 1.000001: kvm_page_fault: adress 8 error_code 2",
        "x-1 [0] .. 1.000002: kvm_page_fault: address 8 error_code 2\n"
      ),
      (
        .drmemtrace, "------\n1 1: 7 write 8 byte(s) @ 0x8 by PC 0x1\n", "2 2: 7 write 8 bytes @ 0x8 by PC 0x1",
        "3 3: 7 write 8 byte(s) @ 0x8 by PC 0x1\n"
      ),
    ] as [(TextImport.Format, String, String, String)])
  func badLine(format: TextImport.Format, before: String, bad: String, after: String) throws {
    let text = before + bad + "\n" + after
    let error = #expect(throws: RecordingError.self) { try Self.convert(format, text) }
    #expect(error?.line == before.split(separator: "\n").count + 1)
    #expect(error?.found.contains("\"\(bad)\"") == true && error?.expected.isEmpty == false)
    #expect(error?.description.contains("\n") == false)
    let lenient = try Self.convert(format, text, lenient: true)
    #expect(lenient.report.skipped == 1 && lenient.report.firstSkipped?.line == error?.line)
    let without = try Self.convert(format, before + after)
    #expect(lenient.writes == without.writes && without.report.skipped == 0)
  }

  @Test("of random bytes is refused or skipped, never more", arguments: TextImport.Format.allCases)
  func noise(format: TextImport.Format) throws {
    var random = SplitMix64(seed: 4)
    let words = [
      "write", ",", "0x", "\"", "------", " S ", "I  ", "kvm_page_fault: ", "vcpu ", " byte(s) @ ", ":", "[", "-", "1",
      "f", " ",
    ]
    for _ in 0..<300 {
      let line = (0..<12).map { _ in words.randomElement(using: &random) ?? "" }.joined()
      let header = format == .csv ? "kind,vcpu,count,gpa,size\n" : format == .drmemtrace ? "------\n" : ""
      // What is understood becomes a trace; where nothing is, a sentence says so.
      do {
        _ = try Self.convert(format, header + line + "\n" + line.dropFirst(3) + "\n", lenient: true)
      } catch let error as RecordingError {
        #expect(!error.description.contains("\n") && !error.expected.isEmpty && !error.remedy.isEmpty)
      }
    }
  }

  @Test("of one endless line is refused before it fills memory")
  func endless() throws {
    #expect(throws: RecordingError.self) {
      try Self.convert(.lackey, String(repeating: "I", count: 3 << 20), lenient: true)
    }
  }
}
