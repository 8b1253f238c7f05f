import Replay

/// Published measurements against the model: how each kind fares, then a table a kind.
package func publishedChecks(_ checks: [PublishedCheck]) -> Document {
  var blocks: [Document.Block] = [.list(PublishedCheck.Kind.allCases.map { summary(of: $0, in: checks) })]
  let misses = checks.filter { $0.verdict == .missed || $0.isNews }.map(note)
  if !misses.isEmpty { blocks.append(.list(misses)) }
  for kind in PublishedCheck.Kind.allCases {
    blocks.append(
      .table(
        Table(
          caption: kind.meaning,
          columns: [
            .words("profile"), .words("measurement"), .figure("modelled"), .figure("low to high"), .figure("published"),
            .words("verdict"), .words("source"),
          ],
          rows: checks.filter { $0.kind == kind }.map(row))))
  }
  return Document(title: "Published measurements against the model", blocks: blocks)
}

extension PublishedCheck.Kind {
  /// The kind in a word.
  fileprivate var title: String { self == .heldOut ? "held out" : rawValue }

  /// What checks of the kind prove.
  fileprivate var meaning: String {
    switch self {
    case .identity: "identity: restates an input, and says only that it still is what was published"
    case .emergent: "emergent: from the modelled caches, or several costs together; nothing was set to it"
    case .heldOut: "held out: predicted; no cost was set from it"
    }
  }
}

private func summary(of kind: PublishedCheck.Kind, in all: [PublishedCheck]) -> Cell {
  let checks = all.filter { $0.kind == kind }
  func count(_ verdict: PublishedCheck.Verdict) -> Int { checks.count { $0.verdict == verdict } }
  let known = checks.count { $0.verdict == .missed && !$0.isNews }
  let news = checks.count(where: \.isNews)
  var words = ["\(count(.reproduced)) reproduced", "\(count(.withinBracket)) within the bracket"]
  words.append("\(known) known to be missed")
  if news > 0 { words.append("\(news) NEWS") }
  return Cell("\(kind.title), \(checks.count): " + words.joined(separator: ", ") + ".", news > 0 ? .bad : .plain)
}

private func note(_ check: PublishedCheck) -> Cell {
  let place = "\(check.profile), \(check.name)"
  return switch (check.verdict == .missed, check.knownMiss) {
  case (true, let reason?): Cell("Known to be missed, \(place): \(reason).", .doubtful)
  case (true, nil): Cell("Missed, \(place): nobody knew; mend it, or list it with the reason.", .bad)
  case (false, _): Cell("No longer missed, \(place): take it off the list of known misses.", .bad)
  }
}

private func row(_ check: PublishedCheck) -> [Cell] {
  let low = Figure.number(check.publishedLow)
  let published = check.publishedLow == check.publishedHigh ? low : "\(low) to \(Figure.number(check.publishedHigh))"
  return [
    Cell(check.profile), Cell(check.name), Cell(Figure.number(check.modelled.value)),
    Cell(Figure.range(check.modelled)),
    Cell(published), words(for: check), Cell(check.source),
  ]
}

private func words(for check: PublishedCheck) -> Cell {
  switch check.verdict {
  case .reproduced: Cell("reproduced", .good)
  case .withinBracket: Cell("within the bracket", .doubtful)
  case .missed: check.isNews ? Cell("missed", .bad) : Cell("missed, as known", .doubtful)
  }
}
