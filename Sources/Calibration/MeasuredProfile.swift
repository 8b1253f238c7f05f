import Replay

/// A profile made of what was measured on a machine, and of another profile where nothing was.
package struct MeasuredProfile: Sendable {
  /// What became of a part.
  package enum Outcome: Sendable {
    /// It ran, and printed this.
    case report(ProgramReport)
    /// It may not run here.
    case refused(String)
    /// It ran, and came to nothing.
    case failed(String)
  }

  /// Costs that keep the value they had, and why.
  package struct Omission: Equatable, Sendable {
    /// Which.
    package var costs: [CostParameter]
    /// Why.
    package var reason: String
  }

  /// The profile that `--profile` takes.
  package private(set) var profile: CycleProfile
  /// The costs measured, and how.
  package private(set) var measured: [(cost: CostParameter, how: String)] = []
  /// The machine, for what its figures are worth.
  package private(set) var machine: String
  /// The profile that it started from.
  private let base: CycleProfile
  /// Whether it is no measurement.
  package let isFunctional: Bool
  /// What the parts that ran have printed.
  package let reports: [CalibrationPart: ProgramReport]
  /// The costs not measured.
  package private(set) var omissions: [Omission] = []

  /// The profile of a machine, which starts from another.
  ///
  /// - Parameter isFunctional: the figures come from a run that measures nothing, and every source says so.
  package init(
    startingFrom base: CycleProfile, machine: MachineIdentity, outcomes: [CalibrationPart: Outcome], isFunctional: Bool
  ) {
    self.isFunctional = isFunctional
    profile = base
    self.base = base
    reports = outcomes.compactMapValues { if case .report(let report) = $0 { report } else { nil } }
    profile.name = isFunctional ? "no-measurement" : "measured"
    profile.processor.title =
      (isFunctional ? Self.noMeasurement : "") + machine.processor
      + "; what was not measured, and all sizes of caches: "
      + base.processor.title
    self.machine = machine.words
    for part in CalibrationPart.allCases {
      switch outcomes[part] {
      case .report(let report):
        if let ratio = report.fact("core_cycles_per_tick") { self.machine += "; \(ratio) core cycles a tick" }
        take(report, of: part, isFunctional: isFunctional)
        takeClock(of: report)
      case .refused(let reason), .failed(let reason):
        omissions.append(Omission(costs: part.costs, reason: "\(part.title): \(reason)"))
      case nil: omissions.append(Omission(costs: part.costs, reason: "\(part.title): not run"))
      }
    }
    for cost in CostParameter.allCases {
      if let reason = CostRule.unmeasured[cost] { omissions.append(Omission(costs: [cost], reason: reason)) }
    }
  }

  /// Figures that enter no cost, in the order of the parts: what an alert takes to a consumer on another core, for one.
  package var otherFigures: [MeasuredFigure] {
    CalibrationPart.allCases.flatMap { reports[$0]?.figures ?? [] }.filter { !CostRule.figures.contains($0.name) }
  }

  private static let noMeasurement = "NO MEASUREMENT (functional run): "

  private mutating func take(_ report: ProgramReport, of part: CalibrationPart, isFunctional: Bool) {
    for rule in CostRule.all where rule.part == part {
      guard let bracket = rule.bracket(from: report) else {
        omissions.append(Omission(costs: [rule.cost], reason: reason(for: rule, in: report)))
        continue
      }
      guard let index = profile.parameters.firstIndex(where: { $0.name == rule.cost }) else { continue }
      let how = rule.how(in: report) + detail(of: rule, in: report)
      profile.parameters[index] = CycleProfile.Parameter(
        name: rule.cost, low: bracket.low.inHundredths, value: bracket.value.inHundredths,
        high: bracket.high.inHundredths, tag: isFunctional ? .assumed : .measured, source: source(how))
      measured.append((rule.cost, how))
      guard rule.cost.half == .hypervisor else { continue }
      profile.hypervisor.name = profile.name
      profile.hypervisor.title = "\(machine); what was not measured: \(base.hypervisor.title)"
    }
    if part == .module { profile.features = CycleProfile.Feature.allCases.filter { report.fact($0.rawValue) == "yes" } }
  }

  private func source(_ how: String) -> String { (isFunctional ? Self.noMeasurement : "") + how + "; " + machine }

  /// Figures are in ticks of the time-stamp counter, so its rate is the profile's clock.
  private mutating func takeClock(of report: ProgramReport) {
    guard let rate = report.fact("ticks_per_us").flatMap(Double.init), (1...100_000).contains(rate) else { return }
    let turbo = report.fact("core_cycles_per_tick").flatMap(Double.init) ?? 1
    profile.processor.frequencyMHz = Quantity(
      low: rate, value: rate, high: min(100_000, rate * max(1, turbo)), tag: isFunctional ? .assumed : .measured,
      source: source("rate of the time-stamp counter; high: of the core"))
  }

  /// What a program says of the circumstances: a working set, a build.
  private func detail(of rule: CostRule, in report: ProgramReport) -> String {
    report.fact(rule.value.figure + ".set").map { ", \($0)" } ?? ""
  }

  private func reason(for rule: CostRule, in report: ProgramReport) -> String {
    let term = rule.lacking(in: report) ?? rule.value
    let names = [term.figure] + term.less
    if let omission = report.omissions.first(where: { names.contains($0.name) }) { return omission.text }
    guard names.allSatisfy({ report.figure($0) != nil }) else { return "the \(rule.part.title) did not tell it" }
    return "\(term.figure) is not above \(term.less.joined(separator: " and ")) together"
  }
}

extension Double {
  /// Rounded to what a time-stamp counter can tell.
  fileprivate var inHundredths: Double { (self * 100).rounded() / 100 }
}
