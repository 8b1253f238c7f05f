import Foundation
import Testing

@testable import Recordings

@Suite("Comma-separated values")
struct CSVTests {
  @Test("of a trace give the same records back, whatever columns it has", arguments: [0, 1, 2, 3, 4])
  func roundTrip(choice: Int) throws {
    let columns: RecordingColumns = [
      .all, .steps, [.steps, .linearPages], [.steps, .values], [.steps, .instructionPointers, .linearPages],
    ][choice]
    let folder = Folder()
    var options = Sample.small
    options.columns = columns
    try Sample.write(Sample.records(4000, seed: UInt64(50 + choice)), to: folder.file("a"), options: options)
    let first = try RecordingReader(path: folder.file("a"))
    try CSVExport.write(first, to: folder.file("csv"))
    let text = try TextImport(.csv, InputStream(path: folder.file("csv")))
    #expect(text.columns.union(.always) == first.header.columnSet)
    let writer = try RecordingWriter(
      path: folder.file("b"), description: first.header.recording, options: .init(columns: text.columns, level: 1))
    _ = try text.convert(into: writer)
    let second = try RecordingReader(path: folder.file("b"))
    #expect(second.header == first.header)
    var records: [RecordedEntry] = []
    try first.forEachRecord { record in
      records.append(record)
      return true
    }
    var index = 0
    try second.forEachRecord { record in
      #expect(index < records.count && record == records[index], "record \(index)")
      index += 1
      return index < records.count && record == records[index - 1]
    }
    #expect(index == records.count)
    #expect(folder.names == ["a", "b", "csv"])
  }

  @Test("need the line of names first", arguments: ["", "write,0,1,2,8\n", "kind,vcpu,count,gpa,size,rip,gva\n"])
  func header(text: String) throws {
    let error = #expect(throws: RecordingError.self) { try TextImportTests.convert(.csv, text) }
    #expect(error?.line == 1)
  }
}
