import Calibration
import Replay
import Report

extension MeasuredProfile {
  /// What was measured, beside what the profile said that it started from, and what was left out.
  func document(startingFrom base: CycleProfile) -> Document {
    let table = Table(
      caption: "Measured, in ticks of the time-stamp counter; before: the value in \(base.name)",
      columns: [.words("cost"), .figure("low"), .figure("value"), .figure("high"), .figure("before"), .words("how")],
      rows: measured.map { cost, how in
        let parameter = profile.cost(of: cost)
        return [Cell(cost.rawValue)]
          + [parameter.low, parameter.value, parameter.high, base.cost(of: cost).value].map { Cell(Figure.number($0)) }
          + [Cell(how)]
      })
    return Document(
      title: "profile \(profile.name): \(measured.count) of \(profile.parameters.count) costs measured",
      blocks: [.facts([Document.Fact("machine", machine)]), .table(table)] + others + refill + events + [
        .heading("Left out"),
        .list(
          omissions.map { Cell("\($0.costs.map(\.rawValue).joined(separator: ", ")): \($0.reason)", .doubtful) }),
      ])
  }

  /// What was measured and is no cost of a profile.
  private var others: [Document.Block] {
    guard !otherFigures.isEmpty else { return [] }
    return [
      .table(
        Table(
          caption: "Also measured, in no cost",
          columns: [.words("figure"), .figure("low"), .figure("value"), .figure("high")],
          rows: otherFigures.map { figure in
            [Cell(figure.name)] + [figure.low, figure.value, figure.high].map { Cell(Figure.number($0)) }
          }))
    ]
  }

  /// What loads cost after an invalidation or a switch, where the module has measured it.
  private var refill: [Document.Block] {
    let points = reports[.module]?.curves ?? []
    let names = points.reduce(into: [String]()) { if !$0.contains($1.figure.name) { $0.append($1.figure.name) } }
    guard !names.isEmpty else { return [] }
    let rows = Set(points.map(\.n)).sorted().map { n in
      [Cell(String(n))]
        + names.map { name in
          Cell(points.first { $0.n == n && $0.figure.name == name }.map { Figure.number($0.figure.value) } ?? "-")
        }
    }
    return [
      .table(
        Table(
          caption: "Refill: ticks of loads in so many pages, median of 64",
          columns: [.figure("pages")] + names.map { .figure($0) }, rows: rows))
    ]
  }

  /// What the programs say happened, of a run that is no measurement.
  private var events: [Document.Block] {
    guard isFunctional else { return [] }
    return CalibrationPart.allCases.flatMap { part -> [Document.Block] in
      let lines = (reports[part]?.events ?? []).map { Cell("\($0.name) \($0.text)") }
      return lines.isEmpty ? [] : [.heading("Events, \(part.title)"), .list(lines)]
    }
  }
}
