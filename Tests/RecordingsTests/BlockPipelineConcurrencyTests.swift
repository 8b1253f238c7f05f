import Addresses
import Synchronization
import Testing

@testable import Recordings

@Suite("Blocks that are compressed on other threads")
struct BlockPipelineConcurrencyTests {
  private static let count = 400

  /// A block of runs of one store that tells its number by its content, and takes another time to compress than its neighbours.
  private static func fill(_ draft: BlockDraft, _ number: Int) {
    let runs = number % 7 * 30 + 1
    (draft.header.number, draft.header.runs, draft.header.accesses) = (number, runs, runs)
    for run in 0..<runs {
      let page = UInt64(number) &* 0x9e37_79b9_7f4a_7c15 &+ UInt64(run)
      draft.runs.base[run] = Run(page: GuestPageNumber(page & 0xffff_ffff), accesses: 1, vcpu: 0).rawValue
      draft.clocks.base[run] = UInt16(truncatingIfNeeded: number &+ run)
      draft.places.base[run] = UInt16(truncatingIfNeeded: run)
    }
  }

  private static func draft() -> BlockDraft { BlockDraft(runs: 256, accesses: 256, columns: []) }

  @Test(
    "are written in their order, each whole, in as many drafts as may be", arguments: [1, 2, 4], [1, 2, 5])
  func order(workers: Int, drafts: Int) throws {
    let compressor = ZstandardCompressor(level: 1)
    let blocks = (0..<Self.count).map { number in
      let draft = Self.draft()
      Self.fill(draft, number)
      return draft.encode(with: compressor)
    }
    let file = try OutputFile.unnamed(in: OutputTarget.temporaryFolder, for: "a test")
    let made = Atomic(0)
    let pipeline = BlockPipeline(drafts: drafts, workers: workers, level: 1, file: file) {
      made.add(1, ordering: .relaxed)
      return Self.draft()
    }
    defer { pipeline.close() }
    for number in 0..<Self.count {
      let draft = pipeline.next()
      // A draft that is still being encoded would change under the compressor's hands.
      Self.fill(draft, number)
      try pipeline.submit(draft, isLast: number == Self.count - 1)
    }
    #expect(try pipeline.finish() == blocks.map(\.header))
    #expect(made.load(ordering: .relaxed) <= drafts)
    var written: [UInt8] = []
    try file.readBack { bytes throws(RecordingError) in written += bytes }
    #expect(written == blocks.flatMap { $0.columns.flatMap { $0 } })
  }

  @Test("end with the sentence of the first that could not be written, and leave nobody waiting", arguments: [1, 3])
  func full(workers: Int) throws {
    let file = try OutputFile(inPlace: "/dev/full")
    let pipeline = BlockPipeline(drafts: 2, workers: workers, level: 1, file: file, make: Self.draft)
    defer { pipeline.close() }
    var refused = 0
    for number in 0..<Self.count {
      let draft = pipeline.next()
      Self.fill(draft, number)
      do { try pipeline.submit(draft, isLast: number == Self.count - 1) } catch { refused += 1 }
    }
    #expect(refused > 0, "the producer is told while it still has blocks to come")
    let error = #expect(throws: RecordingError.self) { try pipeline.finish() }
    #expect(error?.description.contains("No space left on device") == true)
  }
}
