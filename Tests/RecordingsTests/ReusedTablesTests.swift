import SeededRandom
import Testing

@testable import Recordings

/// Tables of what was last seen on a page begin empty in every block, however many runs the block before had.
@Suite("Tables that are used again for the next block")
struct ReusedTablesTests {
  /// Blocks of few runs and of many, on pages that share slots, in an order that leaves something behind each time.
  private static let sizes = [20_000, 10, 8191, 8192, 3, 9000, 1, 70_000, 500, 0, 40]

  private static func runs(_ count: Int, _ random: inout SplitMix64) -> [UInt64] {
    (0..<count).map { _ in
      let page = random.below(300) | random.below(3) << 16
      return page | (1 + random.below(6)) << 32
    }
  }

  @Test("hold linear pages as new ones do", arguments: [1, 2, 3] as [UInt64])
  func linearPages(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let encoding = LinearPages()
    let decoding = LinearPages()
    for count in Self.sizes {
      let runs = Self.runs(count, &random)
      let pages = runs.map { $0 & 0xffff_ffff ^ (random.below(4) == 0 ? random.below(5) << 30 : 0) }
      var (again, fresh) = (ByteWriter(), ByteWriter())
      encoding.encode(runs: runs, linearPages: pages, count: count, into: &again)
      LinearPages().encode(runs: runs, linearPages: pages, count: count, into: &fresh)
      #expect(again.bytes == fresh.bytes, "seed \(seed), \(count) runs")
      var decoded = [UInt64](repeating: .max, count: count)
      let isSound = again.bytes.withUnsafeBytes { bytes in
        var reader = ByteReader(bytes)
        return decoding.decode(&reader, runs: runs, count: count, into: &decoded)
      }
      #expect(isSound && decoded == pages, "seed \(seed), \(count) runs")
    }
  }

  @Test("hold offsets as new ones do, of all runs or of those on some pages", arguments: [1, 2, 3] as [UInt64])
  func offsets(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let encoding = PlacePrediction()
    let decoding = PlacePrediction()
    for count in Self.sizes {
      let runs = Self.runs(count, &random)
      let accesses = runs.reduce(0) { $0 + Int($1 >> 32 & 0xffff) }
      let places = (0..<accesses).map { _ in UInt16(random.below(1 << 16)) }
      var (stored, fresh) = (places, places)
      encoding.encode(&stored, runs: runs, count: count)
      PlacePrediction().encode(&fresh, runs: runs, count: count)
      #expect(stored == fresh, "seed \(seed), \(count) runs")
      stored += [0, 0, 0, 0]
      // Pages that share a slot are chosen together.
      let share = 1 + random.below(3)
      let chosen = runs.indices.filter { runs[$0] & 0xffff % share == 0 }.map { UInt32($0) }
      var (firsts, first): ([UInt32], Int) = ([], 0)
      var expected = [UInt16?](repeating: nil, count: accesses)
      for run in runs {
        let length = Int(run >> 32 & 0xffff)
        if run & 0xffff % share == 0 {
          firsts.append(UInt32(first))
          for access in first..<first + length { expected[access] = places[access] }
        }
        first += length
      }
      var decoded = [UInt16](repeating: 0, count: accesses + 4)
      stored.withUnsafeBytes { stored in
        decoded.withUnsafeMutableBytes { decoded in
          chosen.withUnsafeBufferPointer { chosen in
            guard let from = stored.baseAddress, let to = decoded.baseAddress else { return }
            decoding.decode(from, into: to, runs: runs, chosen: chosen, firsts: firsts)
          }
        }
      }
      let isRight = expected.indices.allSatisfy { expected[$0] == nil || expected[$0] == decoded[$0] }
      #expect(isRight, "seed \(seed), \(chosen.count) of \(count) runs")
    }
  }
}
