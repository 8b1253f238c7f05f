import Histogram
import SeededRandom
import Testing

@testable import Replay

@Suite("Histograms of cycles")
struct CycleHistogramTests {
  @Test("tell the percentiles that HdrHistogram tells with three digits", arguments: 0..<40 as Range<UInt64>)
  func same(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var ours = CycleHistogram()
    var theirs = Histogram<UInt64>(numberOfSignificantValueDigits: .three)
    let percentiles = [0, 0.001, 1, 50, 90, 99, 99.9, 99.999, 100]
    for round in 0..<300 {
      // Few values, and of all sizes, the ends of classes among them.
      let bits = UInt64.random(in: 0...52, using: &random)
      var value = UInt64.random(in: 0...(1 << bits), using: &random)
      if round % 3 == 0 { value = (((value >> 8) << 8) &- UInt64(round % 2)) & ((1 << 52) - 1) }
      ours.record(value)
      theirs.record(value)
      #expect(
        ours.values(at: percentiles) == percentiles.map { theirs.valueAtPercentile($0) }, "seed \(seed), round \(round)"
      )
    }
    #expect(ours.total == theirs.totalCount)
  }
}
