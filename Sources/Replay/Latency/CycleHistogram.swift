/// How often each number of cycles came, to three significant digits: numbers that differ by less fall into one class.
///
/// The classes and the percentiles are those of HdrHistogram with three digits, which the host's times are kept in. Its Swift
/// package is generic code that no caller specialises: of the instructions of a strategy over `boot`, recording and four
/// distributions' percentiles took a twentieth.
struct CycleHistogram {
  /// By class, from 0 on: as many as came.
  private var counts: [UInt64] = []
  private(set) var total: UInt64 = 0
  private var least = UInt64.max
  private var greatest: UInt64 = 0
  /// Binary digits that are kept: 2^11 and above, a class is a thousandth of its numbers or less.
  private static let digits = 11

  mutating func record(_ cycles: UInt64) {
    let index = Self.index(of: cycles)
    while counts.count <= index { counts.append(0) }
    counts[index] += 1
    total += 1
    least = min(least, cycles)
    greatest = max(greatest, cycles)
  }

  /// The numbers at ascending percentiles, nearest rank; something was recorded.
  func values(at percentiles: [Double]) -> [UInt64] {
    var index = 0
    var sum: UInt64 = counts.first ?? 0
    return percentiles.map { percentile in
      guard percentile > 0 else { return least }
      guard percentile < 100 else { return greatest }
      // One unit in the last place less, so that no rounding reaches into the next rank.
      let rank = max(1, UInt64((percentile.nextDown * Double(total) / 100).rounded(.up)))
      while sum < rank, index + 1 < counts.count {
        index += 1
        sum += counts[index]
      }
      return max(min(Self.greatest(of: index), greatest), least)
    }
  }

  /// The greatest number of each class that anything was recorded in, with how often.
  var recorded: [(value: UInt64, count: UInt64)] {
    counts.enumerated().filter { $1 > 0 }.map { (value: Self.greatest(of: $0), count: $1) }
  }

  private static func shift(of cycles: UInt64) -> Int { max(0, 64 - cycles.leadingZeroBitCount - digits) }

  private static func index(of cycles: UInt64) -> Int {
    let shift = shift(of: cycles)
    return (shift << (digits - 1)) + Int(cycles >> UInt64(shift))
  }

  /// The greatest number of a class.
  private static func greatest(of index: Int) -> UInt64 {
    let shift = max(0, (index >> (digits - 1)) - 1)
    return (UInt64(index - (shift << (digits - 1)) + 1) << UInt64(shift)) - 1
  }
}
