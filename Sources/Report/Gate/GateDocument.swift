import Foundation
import Replay

extension Gate {
  /// What the gate found, as a document.
  package var document: Document {
    let title = "\(trace) by \(profile)\(dimensions == nil ? "" : " in two dimensions"), against its baseline"
    let other =
      isRerecorded == true
      ? [
        Cell(
          "The baseline is of another recording of that name: rates are held against rates, counts are not.", .doubtful)
      ]
      : []
    guard !findings.isEmpty else {
      let names = strategies.joined(separator: ", ")
      let same = Cell("As the baseline, every count and cycle: \(names).", .good)
      return Document(title: title, blocks: [.list([same] + other + hostSentences)] + pictures)
    }
    return Document(
      title: title,
      blocks: [
        .list([conclusion] + other + hostSentences)
      ] + pictures + [
        .table(
          Table(
            caption: "Figures that differ; counts and modelled cycles are exact, \(tolerated)",
            columns: [
              .words("strategy"), .words("figure"), .figure("baseline"), .figure("now"), .figure("per cent"),
              .words("verdict"),
            ],
            rows: findings.map { finding in
              [
                Cell(finding.strategy ?? "all"), Cell(finding.figure), Cell(finding.baseline), Cell(finding.now),
                Cell(finding.percent.map(Self.signed) ?? ""),
                Cell(finding.verdict.rawValue, Self.tone(finding.verdict)),
              ]
            }))
      ])
  }

  private var pictures: [Document.Block] {
    let bars = ratios.map { ratio in
      BarChart.Bar(
        label: ratio.strategy, bracket: Bracket(low: ratio.ratio, value: ratio.ratio, high: ratio.ratio),
        tone: ratio.ratio > 1 ? .bad : ratio.ratio < 1 ? .good : .plain)
    }
    guard !bars.isEmpty else { return [] }
    return [.picture(.bars(BarChart(title: "Overhead over the baseline's", unit: "", bars: bars, reference: 1)))]
  }

  private var tolerated: String {
    guard let failAbove, failAbove > 0 else { return "nothing is tolerated" }
    return "up to \(Figure.number(failAbove * 100)) % dearer is let pass"
  }

  private static func signed(_ percent: Double) -> String { String(format: "%+.2f", percent) }

  /// One line on all gates, for a log that shows nothing else.
  package static func sentence(_ gates: [Gate]) -> String {
    let regressions = gates.flatMap { gate in
      (gate.findings + (gate.host?.findings ?? [])).filter { $0.verdict == .regression }.map { (gate.trace, $0) }
    }
    guard let (trace, finding) = regressions.first else { return "as the baseline, or cheaper" }
    let by = finding.percent.map { " (\(signed($0)) %)" } ?? ""
    return
      "regression in \(regressions.count) figures, first \(trace), \(finding.strategy ?? "all"): \(finding.figure) "
      + "\(finding.now), was \(finding.baseline)\(by)"
  }

  /// The findings as rows of comma-separated values.
  package static func csv(_ gates: [Gate]) -> String {
    CSVExporter.export(
      rows: [["trace", "strategy", "figure", "baseline", "now", "verdict", "percent"]]
        + gates.flatMap { gate in
          (gate.findings + (gate.host?.findings ?? [])).map {
            [
              gate.trace, $0.strategy ?? "", $0.figure, $0.baseline, $0.now, $0.verdict.rawValue,
              $0.percent.map(Figure.exact) ?? "",
            ]
          }
        })
  }

  /// What host times say; a baseline has no part in it.
  private var hostSentences: [Cell] {
    guard let host else { return [] }
    let conclusions = host.findings.map { finding in
      finding.verdict == .regression
        ? Cell("Regression of host time: \(finding.figure), \(finding.now).", .bad)
        : Cell("Improved host time: \(finding.figure), \(finding.now).", .good)
    }
    return [Cell(HostGate(ratios: host.ratios).sentence)] + conclusions
  }

  private var conclusion: Cell {
    func strategies(_ verdict: Verdict) -> String {
      var names: [String] = []
      for finding in findings where finding.verdict == verdict {
        let name = finding.strategy ?? "all"
        if !names.contains(name) { names.append(name) }
      }
      return names.joined(separator: ", ")
    }
    if findings.contains(where: { $0.verdict == .regression }) {
      return Cell(
        "Regression: \(strategies(.regression)); if it is meant, rewrite the baseline with --update.", .bad)
    }
    if findings.contains(where: { $0.verdict == .improved }) {
      return Cell("Improved: \(strategies(.improved)); update the baseline with --update.", .good)
    }
    return Cell("Changed at no cost: \(strategies(.changed)); update the baseline with --update.", .doubtful)
  }

  private static func tone(_ verdict: Verdict) -> Tone {
    switch verdict {
    case .changed: .doubtful
    case .improved: .good
    case .regression: .bad
    }
  }
}
