import Replay

/// Published measurements against the model, one row each.
package func publishedChecks(_ checks: [PublishedCheck]) -> Document {
  let table = Table(
    caption: "emerges: from the modelled caches, nothing was set to it; set: follows from costs that were set",
    columns: [
      .words("profile"), .words("measurement"), .words("kind"), .figure("modelled"), .figure("low to high"),
      .figure("published"), .words("verdict"), .words("source"),
    ],
    rows: checks.map { check in
      [
        Cell(check.profile), Cell(check.name), Cell(check.kind.rawValue),
        Cell(Figure.number(check.modelled.value)), Cell(Figure.range(check.modelled)), Cell(published(check)),
        words(for: check.verdict), Cell(check.source),
      ]
    })
  let missed = checks.filter { $0.verdict == .missed }.map { check in
    Cell("Missed, \(check.profile), \(check.name): \(check.reason ?? "no reason is known").", .bad)
  }
  return Document(
    title: "Published measurements against the model",
    blocks: [.table(table)] + (missed.isEmpty ? [] : [.list(missed)]))
}

private func published(_ check: PublishedCheck) -> String {
  let low = Figure.number(check.publishedLow)
  guard let high = check.publishedHigh else { return "\(low) or more" }
  return check.publishedLow == high ? low : "\(low) to \(Figure.number(high))"
}

private func words(for verdict: PublishedCheck.Verdict) -> Cell {
  switch verdict {
  case .reproduced: Cell("reproduced", .good)
  case .withinBracket: Cell("within the bracket", .doubtful)
  case .missed: Cell("missed", .bad)
  }
}
