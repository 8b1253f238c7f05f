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
      blocks: [.facts([Document.Fact("machine", machine)])] + (measured.isEmpty ? [] : [.table(table)]) + [
        .heading("Left out"),
        .list(
          omissions.map { Cell("\($0.costs.map(\.rawValue).joined(separator: ", ")): \($0.reason)", .doubtful) }),
      ])
  }
}
