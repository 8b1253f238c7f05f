/// What was measured of one thing, in ticks of the time-stamp counter.
package struct MeasuredFigure: Equatable, Sendable {
  /// What it is, in the programs' words.
  package var name: String
  /// The least of all samples.
  package var low: Double
  /// The median.
  package var value: Double
  /// The 99th percentile.
  package var high: Double
  /// How many samples.
  package var samples: Int

  /// A figure as a program prints it.
  package init(name: String, low: Double, value: Double, high: Double, samples: Int) {
    self.name = name
    self.low = low
    self.value = value
    self.high = high
    self.samples = samples
  }

  /// The figure of samples in ticks for `per` times the same; `overhead` is taken off each. None without samples.
  init?(name: String, ticks: [UInt64], overhead: UInt64, per: Double = 1) {
    guard !ticks.isEmpty else { return nil }
    let sorted = ticks.sorted()
    func at(_ place: Int) -> Double {
      sorted[place] > overhead ? Double(sorted[place] - overhead) / per : 0
    }
    self.init(
      name: name, low: at(0), value: at(sorted.count / 2), high: at(Int(Double(sorted.count) * 0.99)),
      samples: sorted.count)
  }
}
