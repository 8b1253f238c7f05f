import Replay

/// What happened in one notification, step by step, from the store's issue to the guest's next instruction.
package struct NotificationTimeline {
  /// The notification.
  package let notification: ListedNotification
  /// Its stages that took any time, in order.
  package let stages: [TimedStage]

  /// A stage.
  package struct TimedStage: Encodable {
    /// Its name.
    package var name: String
    /// What it took.
    package var cycles: Bracket
    /// Whether the alert is in the ring only behind it.
    package var isBeforeRing: Bool
    /// What it is made of; empty where no price tells.
    package var steps: [Step]

    enum CodingKeys: String, CodingKey {
      case name, cycles, steps
      case isBeforeRing = "before_ring"
    }
  }

  /// A cost that was paid so many times.
  package struct Step: Encodable {
    /// The cost.
    package var cost: CycleProfile.Parameter
    /// How many times: half a round trip goes out, half comes back; less than none where a joint figure holds it already.
    package var count: Double
    /// What it came to.
    package var cycles: Bracket
  }

  /// The timeline of a notification that a profile prices.
  package init(of notification: ListedNotification, priced profile: CycleProfile) {
    self.notification = notification
    func stage(_ stage: Stage) -> TimedStage {
      let form = notification.shape.price(of: stage)
      let steps = profile.parameters.filter { form[$0.name] != 0 }.map { cost in
        var one = LinearForm()
        one[cost.name] = form[cost.name]
        return Step(cost: cost, count: form[cost.name], cycles: one.priced(by: profile))
      }
      return TimedStage(
        name: stage.rawValue, cycles: form.priced(by: profile), isBeforeRing: Stage.latency.contains(stage),
        steps: steps)
    }
    func more(_ name: String, _ cycles: Double, isBeforeRing: Bool) -> TimedStage? {
      // What is left of sums of hundreds of cycles is their last bits.
      cycles > 0.01
        ? TimedStage(
          name: name, cycles: Bracket(low: cycles, value: cycles, high: cycles), isBeforeRing: isBeforeRing, steps: [])
        : nil
    }
    var before = Stage.latency.map(stage).filter { !$0.steps.isEmpty }
    if let cold = notification.cold, cold.high > 0 {
      before.append(TimedStage(name: "caches left cold", cycles: cold, isBeforeRing: true, steps: []))
    }
    if let raised = notification.raised?.value,
      let wait = more("wait for room in the ring", raised - Self.sum(before), isBeforeRing: true)
    {
      before.append(wait)
    }
    var after = Stage.allCases.filter { !Stage.latency.contains($0) }.map(stage).filter {
      !$0.steps.isEmpty
    }
    if let stall = notification.stall?.value,
      let rest = more("wait for who answers", stall - Self.sum(before) - Self.sum(after), isBeforeRing: false)
    {
      after.insert(rest, at: after.firstIndex { $0.name == Stage.answer.rawValue } ?? 0)
    }
    stages = before + after
  }

  /// The sum of stages, at the profile's values.
  private static func sum(_ stages: [TimedStage]) -> Double { stages.reduce(0) { $0 + $1.cycles.value } }

}

extension NotificationTimeline {
  /// The timeline as JSON, of a run.
  package func json(in result: RunResult) throws -> String {
    try JSONExporter.encode(
      Explained(
        profile: result.profile.name, hypervisor: result.hypervisor,
        notification: NotificationListing.line(of: notification, in: result.trace.path), stages: stages))
  }

  private struct Explained: Encodable {
    var schema = 1
    var profile: String
    var hypervisor: String?
    var notification: NotificationListing.Line
    var stages: [TimedStage]
  }

  /// The timeline as rows of comma-separated values.
  package var csv: String {
    let head = ["stage", "before_ring", "cost", "count", "low", "value", "high", "cycles", "tag", "source"]
    return CSVExporter.export(
      rows: [head]
        + stages.flatMap { stage in
          let begin = [stage.name, String(stage.isBeforeRing)]
          guard !stage.steps.isEmpty else {
            let cycles = [stage.cycles.low, stage.cycles.value, stage.cycles.high, stage.cycles.value].map(Figure.exact)
            return [begin + ["", "1"] + cycles + ["", ""]]
          }
          return stage.steps.map { step in
            let figures = [step.count, step.cost.low, step.cost.value, step.cost.high, step.cycles.value].map(
              Figure.exact)
            return begin + [step.cost.name.rawValue] + figures + [step.cost.tag.rawValue, step.cost.source]
          }
        })
  }
}
