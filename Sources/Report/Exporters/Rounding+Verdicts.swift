import Replay

extension ArmedCost {
  /// Cycles and per cent in thousandths.
  mutating func round() {
    per1000 = thousandths(per1000)
    for path in [\Percent.half, \.one, \.two] { percent[keyPath: path] = thousandths(percent[keyPath: path]) }
  }
}

extension OverheadParts {
  /// Shares in tenths of a per cent.
  mutating func roundShares() {
    for path in [\OverheadParts.simulated, \.published, \.measured, \.assumed] {
      self[keyPath: path] = self[keyPath: path].map { ($0 * 10).rounded() / 10 + 0 }
    }
  }
}

extension Budget {
  /// Per cent in thousandths.
  mutating func round() {
    for i in answers.indices {
      answers[i].alone.roundThousandths()
      answers[i].total.roundThousandths()
      for j in answers[i].protects.indices { answers[i].protects[j].percent.roundThousandths() }
      for j in answers[i].leavesOut.indices { answers[i].leavesOut[j].percent.roundThousandths() }
    }
  }
}

extension Bracket {
  fileprivate mutating func roundThousandths() {
    for path in [\Bracket.low, \.value, \.high] { self[keyPath: path] = thousandths(self[keyPath: path]) }
  }
}

/// The nearest thousandth; never a negative zero.
private func thousandths(_ x: Double) -> Double { (x * 1000).rounded() / 1000 + 0 }
