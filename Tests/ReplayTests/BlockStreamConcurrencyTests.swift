import Foundation
@testable import Recordings
import Testing

@testable import Replay

@Suite("The blocks of a recording, decoded one ahead")
struct BlockStreamConcurrencyTests {
  /// A recording of many small blocks, removed at the end.
  private final class File {
    let path = FileManager.default.temporaryDirectory.appending(path: "gi-blocks-\(UUID()).trace").path

    init(seed: UInt64) throws { try RandomDriverTrace.write(to: path, seed: seed) }

    deinit { try? FileManager.default.removeItem(atPath: path) }
  }

  /// What a block holds.
  private struct Content: Equatable {
    var runs: [Run]
    var events: [PlacedEvent]
    var firstWrite: UInt64

    init(_ block: RecordingBlock, _ header: BlockHeader) {
      (runs, events, firstWrite) = (Array(block.runs), Array(block.events), header.firstWrite)
    }
  }

  /// What the reader gives, block by block: no stream, no second thread.
  private func contents(of reader: RecordingReader) throws -> [Content] {
    try reader.blocks.map { header in
      let block = RecordingBlock()
      try reader.read(block: header.number, into: block)
      return Content(block, header)
    }
  }

  @Test(
    "are those that the reader gives, in order, however many threads decode", arguments: [1, 2], [3, 4] as [UInt64])
  func same(threads: Int, seed: UInt64) throws {
    let file = try File(seed: seed)
    let reader = try RecordingReader(path: file.path)
    let expected = try contents(of: reader)
    #expect(expected.count > 5, "one block after the other is what this is about")
    let stream = BlockStream(reader, columns: [.runs, .events], threads: threads)
    var found: [Content] = []
    while let (block, header) = try stream.nextBlock() {
      // The next block is being decoded meanwhile: what was handed out must not change under its user's hands.
      let before = Content(block, header)
      usleep(200)
      #expect(Content(block, header) == before)
      found.append(before)
    }
    #expect(found == expected)
    #expect(try stream.nextBlock() == nil, "there is nothing after the last block")
  }

  @Test("end at a damaged block with the reader's own sentence, and stay there", arguments: [1, 2])
  func damaged(threads: Int) throws {
    let file = try File(seed: 5)
    let reader = try RecordingReader(path: file.path)
    let bad = reader.blocks.count / 2
    let place = try #require(reader.locate(.runs, of: bad))
    // A recording that is damaged already is refused when it is opened: this one is damaged while it is read.
    let handle = try FileHandle(forUpdating: URL(filePath: file.path))
    try handle.seek(toOffset: place.offset)
    let byte = try #require(try handle.read(upToCount: 1)?.first)
    try handle.seek(toOffset: place.offset)
    try handle.write(contentsOf: [byte ^ 0x10])
    try handle.close()
    let expected = try #require(throws: RecordingError.self) {
      try reader.read(block: bad, into: RecordingBlock())
    }
    let stream = BlockStream(reader, columns: [.runs, .events], threads: threads)
    for number in 0..<bad { #expect(try stream.nextBlock()?.header.number == number) }
    for _ in 0..<2 {
      let error = try #require(throws: RecordingError.self) { _ = try stream.nextBlock() }
      #expect(error.description == expected.description)
    }
  }

  @Test("may be left at any time: what is being decoded is waited for", arguments: 0...4)
  func left(after: Int) throws {
    let file = try File(seed: 6)
    let reader = try RecordingReader(path: file.path)
    for _ in 0..<20 {
      let stream = BlockStream(reader, columns: [.runs, .events], threads: 2)
      for _ in 0..<after { _ = try stream.nextBlock() }
    }
    // The reader still serves others.
    #expect(try contents(of: reader).count == reader.blocks.count)
  }

  @Test(
    "give the same results on two threads as on one, in one dimension and in two", arguments: [Dimensions.one, .two])
  func results(dimensions: Dimensions) throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "gi-threads-\(UUID()).trace").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try RandomDriverTrace.write(
      to: path, seed: 7, paging: dimensions == .two ? RandomPaging(.known, isDefective: false) : nil)
    let profile = try #require(try ProfileLibrary.profile(named: "icelake-sp"))
    let counts = try [1, 2].map { threads in
      try replay(
        ReplayRequest(
          tracePath: path, strategies: Strategy.all, profile: profile, dimensions: dimensions, countersOnly: true,
          threads: threads)
      ).strategies.map(\.counts)
    }
    #expect(counts[0] == counts[1])
  }
}
