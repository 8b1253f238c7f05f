import Addresses
import Testing

@testable import Recordings

@Suite("A trace that was written")
struct RoundTripTests {
  @Test("gives back every record in its order, whatever the blocks", arguments: [1, 2, 3, 4, 5] as [UInt64])
  func roundTrip(seed: UInt64) throws {
    let folder = Folder()
    let records = Sample.records(20_000, seed: seed)
    let options = RecordingWriter.Options(
      columns: .all, level: 1, runsPerBlock: [1, 7, 300, 5000, 1 << 19][Int(seed - 1)], accessesPerBlock: 3000)
    let summary = try Sample.write(
      seed == 1 ? Array(records.prefix(500)) : records, to: folder.file("t"), options: options)
    let reader = try RecordingReader(path: folder.file("t"))
    let back = try Sample.read(reader)
    #expect(back.count == (seed == 1 ? 500 : records.count))
    for (index, (a, b)) in zip(records, back).enumerated() where a != b {
      Issue.record("record \(index) of seed \(seed): \(b) instead of \(a)")
      break
    }
    #expect(reader.digest == summary.digest)
    #expect(reader.bytes == summary.bytes)
    #expect(reader.header == summary.header)
    #expect(folder.names == ["t"])
  }

  @Test("counts a store that crosses a page once, and its page twice")
  func crossing() throws {
    let folder = Folder()
    let writer = try RecordingWriter(path: folder.file("t"), description: Sample.description(), options: Sample.small)
    try writer.write(vcpu: 0, count: 1, gpa: .init(0x5ffc), gva: .init(0x5ffc), size: 8)
    try writer.write(vcpu: 0, count: 2, gpa: .init(0x6008), gva: .init(0x6008), size: 8)
    try writer.write(vcpu: 1, count: 9, gpa: .init(0x7fff), gva: .init(0x7fff), size: 2, rest: .init(3))
    let totals = try writer.finish().header.totals
    #expect(totals.writes == 3)
    #expect(totals.accesses == 5)
    #expect(totals.pages == 4)
    let block = RecordingBlock()
    try RecordingReader(path: folder.file("t")).read(block: 0, into: block)
    #expect(block.runs.map(\.page.rawValue) == [5, 6, 6, 7, 3])
    #expect(block.runs.map(\.accesses) == [1, 1, 1, 1, 1])
    #expect(block.runs.map(\.writes) == [1, 0, 1, 1, 0])
    #expect(block.runs.map(\.isContinuation) == [false, true, false, false, true])
  }

  @Test("costs a reader nothing for columns it does not ask for")
  func columns() throws {
    let folder = Folder()
    try Sample.write(Sample.records(5000, seed: 9), to: folder.file("t"))
    let reader = try RecordingReader(path: folder.file("t"))
    let block = RecordingBlock()
    try reader.read(block: 1, columns: .runs, into: block)
    #expect(block.loaded == .runs)
    _ = try block.accesses(ofRun: 5)
    #expect(block.loaded == [.runs, .places])
  }

  @Test("without records is a trace")
  func empty() throws {
    let folder = Folder()
    let summary = try Sample.write([], to: folder.file("t"))
    #expect(summary.blocks == 0)
    #expect(try Sample.read(RecordingReader(path: folder.file("t"))).isEmpty)
  }

  @Test("is the same file for the same records, however threads run")
  func deterministic() throws {
    let folder = Folder()
    let records = Sample.records(30_000, seed: 77)
    let digests = try (0..<4).map { try Sample.write(records, to: folder.file("t\($0)")).digest }
    #expect(Set(digests).count == 1)
  }
}
