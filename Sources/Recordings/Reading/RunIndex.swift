/// How many accesses lie before a run of a block, and how many of them are continuations.
///
/// Sums are kept at every ``stride``th run, where ``RunValidation`` comes by anyway; from there runs are counted. A sum for each
/// run would be as much memory again as half the runs, for the few of them that anybody asks about.
struct RunIndex: ~Copyable {
  static let stride = 256
  private var buffer = ColumnBuffer()
  /// What was asked for last: who asks for runs in their order goes on from there.
  private var latest: (run: Int, sum: UInt64) = (0, 0)

  /// Room for the sums of so many runs, for whoever adds them up: accesses below, continuations in bits 63:32.
  mutating func begin(runs: Int) -> UnsafeMutablePointer<UInt64>? {
    latest = (0, 0)
    return buffer.bytes(8 * (runs / Self.stride + 1)).bindMemory(to: UInt64.self).baseAddress
  }

  /// What lies before a run of a block with these words.
  mutating func count(before run: Int, in words: UnsafePointer<UInt64>) -> (accesses: Int, continuations: Int) {
    var start = run & ~(Self.stride - 1)
    var sum: UInt64
    if latest.run > start, latest.run <= run {
      (start, sum) = latest
    } else {
      sum = buffer.load(run / Self.stride, as: UInt64.self)
    }
    for word in UnsafeBufferPointer(start: words + start, count: run - start) {
      sum &+= word &>> 32 & 0xffff | (word & 1 &<< 56) &>> 24
    }
    latest = (run, sum)
    return (Int(sum & 0xffff_ffff), Int(sum >> 32))
  }
}
