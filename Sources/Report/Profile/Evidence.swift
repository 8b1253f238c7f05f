import Replay

extension ProfileDescription {
  /// Which costs are assumed, in words.
  var evidence: String {
    let assumed = parameters.filter { $0.tag == .assumed }.map(\.name.rawValue)
    guard !assumed.isEmpty else { return "No cost of \(name) is assumed." }
    return
      "\(assumed.count) of the \(parameters.count) costs of \(name) are assumed, with a range: "
      + "\(assumed.joined(separator: ", ")). `gi-bench profile show \(name)` prints the source of each."
  }

  /// Every cost with bracket, tag and source.
  var parameterTable: Table {
    Table(
      caption: "Costs of \(name) in cycles",
      columns: [
        .words("cost"), .figure("low"), .figure("value"), .figure("high"), .words("evidence"), .words("source"),
      ],
      rows: parameters.map { parameter in
        [Cell(parameter.name.rawValue)]
          + [parameter.low, parameter.value, parameter.high].map { Cell(Figure.number($0)) }
          + [Cell(parameter.tag.rawValue, parameter.tag == .assumed ? .doubtful : .plain), Cell(parameter.source)]
      })
  }
}
