import Addresses
import Replay

extension PolicyDescription {
  /// What was protected, and from when, in one line.
  var sentence: String {
    let moment = arm.map { "mark \($0)" }
    switch driver {
    case nil: return "\(name), armed by \(moment ?? "the recorded hypercalls")"
    case .recorded:
      return "\(name), asked for in the recorded driver's first window"
        + (moment.map { " after \($0)" } ?? "") + "; its own requests give way, its windows stay"
    case .synthetic:
      return "\(name), asked for by a synthetic driver \(moment.map { "at \($0)" } ?? "before the first store"): the "
        + "recording has none, so there are no windows, and no switches to pay but the first"
    }
  }

  /// What a policy protects, a row a region; nil where none was given.
  var regionTable: Table? {
    regions.map { regions in
      Table(
        caption: "Regions of the policy as they lie in this recording",
        columns: [
          .words("region"), .figure("from"), .figure("bytes"), .figure("ranges"), .figure("pages"), .words("actions"),
        ],
        rows: regions.map {
          [
            Cell($0.name), Cell(hex($0.gpa)), Cell(Figure.count($0.bytes)),
            Cell(String($0.ranges)),
            Cell(Figure.count($0.pages)), Cell($0.actions.joined(separator: " ")),
          ]
        })
    }
  }
}
