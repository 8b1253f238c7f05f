import Addresses
import SeededRandom
import Testing

@testable import Recordings

@Suite("Places of selected pages")
struct SelectedPlacesTests {
  /// A trace of stores to few pages, of which some have the same number modulo 65536.
  private func write(_ folder: Folder, seed: UInt64) throws -> RecordingReader {
    var random = SplitMix64(seed: seed)
    var description = Sample.description()
    description.guest.ramBytes = 1 << 30
    let writer = try RecordingWriter(path: folder.file("t"), description: description, options: Sample.small)
    let numbers = (0..<12).map { _ in UInt64.random(in: 0..<60_000, using: &random) }
    let pages = numbers + numbers.prefix(6).map { $0 + 1 << 16 } + numbers.prefix(3).map { $0 + 2 << 16 }
    var page: UInt64 = 0
    for count in 0..<6000 as Range<UInt64> {
      if Int.random(in: 0..<6, using: &random) == 0 { page = pages[Int.random(in: 0..<pages.count, using: &random)] }
      let size = Int.random(in: 0..<3, using: &random) == 0 ? Int.random(in: 1...64, using: &random) : 8
      let address = page << 12 | UInt64.random(in: 0..<4096, using: &random)
      try writer.write(vcpu: 0, count: count, gpa: .init(address), gva: .init(address), size: size)
    }
    _ = try writer.finish()
    return try RecordingReader(path: folder.file("t"))
  }

  @Test(
    "are those of a whole decoding, whatever is selected and in whatever order they are asked for",
    arguments: 0..<20 as Range<UInt64>)
  func same(seed: UInt64) throws {
    let folder = Folder()
    let reader = try write(folder, seed: seed)
    var random = SplitMix64(seed: seed &+ 1000)
    let (whole, partial, selection) = (RecordingBlock(), RecordingBlock(), PageSelection())
    for number in reader.blocks.indices {
      try reader.read(block: number, columns: .places, into: whole)
      try reader.read(block: number, columns: .runs, into: partial)
      for run in whole.runs.indices.shuffled(using: &random).prefix(40) {
        if Int.random(in: 0..<8, using: &random) == 0,
          let other = whole.runs.randomElement(using: &random),
          let range = PageRange(first: other.page, count: UInt64.random(in: 1...2, using: &random))
        {
          selection.insert(range)
        }
        let asked = try partial.accesses(ofRun: run, among: selection)
        #expect(Array(asked) == Array(try whole.accesses(ofRun: run)), "seed \(seed), block \(number), run \(run)")
        #expect(partial.hasPlaces(ofRun: run))
      }
      // Whoever asks for the column has all of it.
      try partial.load(.places)
      for run in whole.runs.indices {
        #expect(Array(try partial.accesses(ofRun: run)) == Array(try whole.accesses(ofRun: run)))
      }
    }
  }

  @Test(
    "are all, after pages that nobody selected have been asked for a few times: not a look through the runs for each")
  func manyPages() throws {
    let folder = Folder()
    let writer = try RecordingWriter(path: folder.file("t"), description: Sample.description(), options: Sample.small)
    for page in 0..<40 as Range<UInt64> {
      try writer.write(vcpu: 0, count: page, gpa: .init(page << 12), gva: .init(page << 12), size: 8)
    }
    _ = try writer.finish()
    let block = RecordingBlock()
    try RecordingReader(path: folder.file("t")).read(block: 0, columns: .runs, into: block)
    for run in 0..<5 { _ = try block.accesses(ofRun: run, among: PageSelection()) }
    #expect(block.runs.indices.allSatisfy(block.hasPlaces))
  }

  @Test("are no others': nothing is decoded of a page that nobody selected")
  func others() throws {
    let folder = Folder()
    let reader = try write(folder, seed: 5)
    let (block, selection) = (RecordingBlock(), PageSelection())
    try reader.read(block: 0, columns: .runs, into: block)
    let page = block.runs[0].page
    _ = try block.accesses(ofRun: 0, among: selection)
    for run in block.runs.indices {
      #expect(block.hasPlaces(ofRun: run) == (block.runs[run].page.rawValue % 65536 == page.rawValue % 65536))
    }
    let all = try #require(PageRange(first: .init(0), count: 1 << 20))
    selection.insert(all)
    #expect(block.runs.allSatisfy(selection.contains))
  }
}
