extension TextExporter {
  /// A row a range, with a bar as long as its share of the fullest: as bpftrace prints histograms.
  func rendered(_ histogram: HistogramChart) -> [String] {
    let title = Terminal.wrapped(histogram.title, width: width ?? Terminal.width)
    guard let most = histogram.ranges.map(\.count).max(), most > 0 else { return title + ["  none"] }
    let names = histogram.ranges.map { "[\(Figure.binary($0.low)), \(Figure.binary($0.high)))" }
    let counts = histogram.ranges.map { String($0.count) }
    let (nameWidth, countWidth) = (names.map(\.count).max() ?? 0, counts.map(\.count).max() ?? 0)
    let room = max(10, min(52, (width ?? Terminal.width) - nameWidth - countWidth - 7))
    return title
      + zip(histogram.ranges, zip(names, counts)).map { range, words in
        let share = Int((Double(range.count) / Double(most) * Double(room)).rounded(.up))
        let (name, count) = words
        return "  " + name + String(repeating: " ", count: nameWidth - name.count + 1 + countWidth - count.count)
          + count + " |" + String(repeating: "@", count: share) + String(repeating: " ", count: room - share) + "|"
      }
  }
}

extension Figure {
  /// A power of two, or a sum of few, by binary prefixes: `512`, `2K`, `1M`; every digit where none fits.
  static func binary(_ n: UInt64) -> String {
    for (index, prefix) in ["E", "P", "T", "G", "M", "K"].enumerated() {
      let shift = UInt64(60 - 10 * index)
      if n >= 1 << shift, n & (1 << shift - 1) == 0 { return "\(n >> shift)\(prefix)" }
    }
    return String(n)
  }
}
