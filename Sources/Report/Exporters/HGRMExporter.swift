import Replay

/// Host time of notifications in place as HdrHistogram's percentile text: one distribution behind the other, each under a
/// comment that names it. A plotter wants one a file, which `csplit` makes of them at these comments.
package enum HGRMExporter {
  /// Every distribution of every result; a result without any is named all the same.
  package static func export(_ results: [RunResult]) -> String {
    results.flatMap { result in
      let path = Terminal.printable(result.trace.path)
      guard !result.distributions.isEmpty else { return ["# no notification was timed, \(path)\n"] }
      return result.distributions.map { "# \($0.strategy), \($0.end), host nanoseconds, \(path)\n" + $0.text }
    }.joined(separator: "\n")
  }
}
