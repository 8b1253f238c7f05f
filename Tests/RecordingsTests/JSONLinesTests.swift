import Foundation
import Testing

@testable import Recordings

@Suite("Lines of JSON")
struct JSONLinesTests {
  static func convert(_ text: String, options: TextImport.Options = .init()) throws -> (
    writes: [RecordedWrite], header: RecordingHeader
  ) {
    let (writes, header, _) = try TextImportTests.convert(.jsonl, text, options: options)
    return (writes, header)
  }

  @Test("of a trace give the same records back, whatever columns it has", arguments: [0, 1, 2, 3, 4])
  func roundTrip(choice: Int) throws {
    let columns: RecordingColumns = [
      .all, .steps, [.steps, .linearPages], [.steps, .values], [.steps, .instructionPointers, .linearPages],
    ][choice]
    let folder = Folder()
    var options = Sample.small
    options.columns = columns
    try Sample.write(Sample.records(4000, seed: UInt64(70 + choice)), to: folder.file("a"), options: options)
    let first = try RecordingReader(path: folder.file("a"))
    try JSONLinesExport.write(first, to: folder.file("jsonl"))
    let text = try TextImport(nil, InputStream(path: folder.file("jsonl")))
    #expect(text.format == .jsonl && text.columns.union(.always) == first.header.columnSet)
    let writer = try RecordingWriter(
      path: folder.file("b"), description: text.description(title: "unused"),
      options: .init(columns: text.columns, level: 1))
    _ = try text.convert(into: writer)
    let second = try RecordingReader(path: folder.file("b"))
    #expect(second.header == first.header)
    func entries(_ reader: RecordingReader) throws -> [RecordedEntry] {
      var entries: [RecordedEntry] = []
      try reader.forEachRecord { entry in
        entries.append(entry)
        return true
      }
      return entries
    }
    let (before, after) = (try entries(first), try entries(second))
    #expect(before.count == after.count && before.count == 4000)
    for (index, (one, other)) in zip(before, after).enumerated() where one != other {
      Issue.record("record \(index): \(one) became \(other)")
      break
    }
  }

  @Test("that a short script writes need no more than an address")
  func short() throws {
    let (writes, header) = try Self.convert(
      """
      {"gpa": "0x3ce2010"}
      { "gpa" : 4096 , "size":8, "vcpu" : 1, "extra": {"a": [1, "}", {}], "b": null}, "more": -1.5e3, "flag": true }
      {"size": 4, "gpa": "8192"}

      """)
    #expect(writes.map(\.gpa.rawValue) == [0x3ce_2010, 0x1000, 0x2000] && writes.map(\.vcpu) == [0, 1, 0])
    #expect(writes.map(\.count) == [1, 1, 2] && writes.map(\.size) == [1, 8, 4])
    #expect(header.recording.log?.time == .records && header.recording.log?.hasSizes == false)
  }

  @Test("say in their first line what the log is, and between the stores what was lost and what happened")
  func header() throws {
    let (writes, header) = try Self.convert(
      """
      {"log": 1, "tool": "drakvuf 1.0", "addresses": "guest-physical", "coverage": "faults", "time": "nanoseconds", "lost": 3}
      {"gpa": "0x1000", "size": 8, "time": 100, "rip": "0xfffff80000001000", "task": 4, "name": "System"}
      {"lost": 7}
      {"mark": "the \\"end\\"", "time": 120}
      {"gpa": "0x2000", "size": 8, "time": 130, "task": 4}

      """)
    #expect(writes.map(\.count) == [100, 130] && writes.map { $0.rip?.rawValue } == [0xffff_f800_0000_1000, 0])
    let recording = header.recording
    #expect(recording.recorder.name == "drakvuf 1.0" && recording.log?.lostEvents == 10)
    #expect(recording.log?.coverage == .faults && recording.log?.time == .nanoseconds)
    #expect(recording.log?.tasks == [.init(task: 4, name: "System", vcpu: 0, stores: 2)])
    #expect(recording.marks.map(\.name) == ["the \"end\""] && header.totals.marks == 1)
  }

  @Test("of linear addresses alone are of virtual memory")
  func linear() throws {
    let (writes, header) = try Self.convert("{\"gva\": \"0x7ffe0ffc\", \"size\": 8}\n{\"gva\": \"0x7ffe1000\"}\n")
    #expect(header.recording.addresses == .virtual && writes.map { $0.gva?.rawValue } == [0x7ffe_0ffc, 0x7ffe_1000])
    #expect(writes.map(\.gpa.rawValue) == [0xffc, 0x1000] && writes[0].rest == nil)
  }

  @Test(
    "that are wrong are refused with what is wrong",
    arguments: [
      ("{\"gpa\": 0x10}", "end of the object"), ("{\"gpa\": \"0x10\"", "end of the object"), ("[1]", "no object"),
      ("{\"gpa\": 1.5}", "no number"), ("{\"gpa\": -1}", "no number"), ("{\"gpa\": \"zz\"}", "no number"),
      ("{\"gpa\": \"0x10\"} x", "behind the object"), ("{\"size\": 8}", "no address"),
      ("{\"gpa\" \"1\"}", "name of a field"),
      ("{\"gpa\": \"0x10\", \"size\": 0}", "size 0"), ("{\"gpa\": \"0x10\", \"vcpu\": 256}", "vCPU 256"),
      ("{\"kind\": \"cr3\"}", "no \"cr3\""), ("{\"kind\": \"other\", \"gpa\": 1}", "no known kind"),
      ("{\"a\": [1}", "end of the object"),
      ("{\"mark\": 1}", "no text"), ("{", "name of a field"), ("{\"a\":", "end of the object"),
      ("{\"a\": \"\\", "no text"),
    ])
  func wrong(line: String, found: String) throws {
    let good = "{\"gpa\": \"0x1000\"}\n"
    let error = #expect(throws: RecordingError.self) { try Self.convert(good + line + "\n") }
    #expect(error?.line == 2 && error?.found.contains(found) == true, "\(error?.found ?? "nothing")")
  }

  @Test("whose first line is wrong are refused with the words that may stand there")
  func wrongHeader() throws {
    for (line, expected) in [
      ("{\"log\": 2}", "1"), ("{\"log\": 1, \"addresses\": \"host\"}", "\"guest-physical\" or \"virtual\""),
      ("{\"log\": 1, \"time\": \"weeks\"}", "\"nanoseconds\""), ("{\"log\": \"x\"}", "{\"log\": 1"),
    ] {
      let error = #expect(throws: RecordingError.self) { try Self.convert(line + "\n{\"gpa\": 1}\n") }
      #expect(error?.line == 1 && error?.expected.contains(expected) == true)
    }
  }

  @Test("and comma-separated values keep what an imported log is")
  func keepsLog() throws {
    let folder = Folder()
    let fault = " x y-2101 [0] .. 1.000001: kvm_page_fault: vcpu 0 rip 0x10 address 0x8 error_code 0x2\n"
    try Data((fault + "CPU:2 [LOST 48211 EVENTS]\n").utf8).write(to: URL(filePath: folder.file("log")))
    func convert(_ name: String, to trace: String) throws -> RecordingHeader {
      let text = try TextImport(nil, InputStream(path: folder.file(name)))
      let writer = try RecordingWriter(
        path: folder.file(trace), description: text.description(title: "t"),
        options: .init(columns: text.columns, level: 1))
      return try text.convert(into: writer).summary.header
    }
    let header = try convert("log", to: "a")
    #expect(header.recording.log?.lostEvents == 48211)
    try CSVExport.write(RecordingReader(path: folder.file("a")), to: folder.file("csv"))
    let csv = String(decoding: try Data(contentsOf: URL(filePath: folder.file("csv"))), as: UTF8.self)
    #expect(csv.contains("# a lower bound: 48211 events were lost\n"))
    #expect(try convert("csv", to: "b") == header)
    try JSONLinesExport.write(RecordingReader(path: folder.file("a")), to: folder.file("jsonl"))
    #expect(try convert("jsonl", to: "c") == header)
  }
}
