/// A hypervisor's software as data: what its paths cost, and who takes its alerts.
public struct HypervisorProfile: Codable, Equatable, Sendable {
  /// The name that `--hypervisor` takes.
  public var name: String
  /// The hypervisor in words.
  public var title: String
  /// Cache lines that an exit's handler touches on the way to the alert.
  public var handlerLines: Quantity
  /// Nanoseconds that the handler of a violation holds the lock of the page tables.
  public var mmuLockHold: Quantity
  /// Who may take alerts from the ring, each name once.
  public var consumers: [Consumer]
  /// Every cost of a hypervisor, in a file also by processor (``CycleProfile/Parameter/on``).
  ///
  /// The round trip of a VMCALL may be left out: it is then the silicon's, with no software to speak of. So may the answer
  /// of a tool outside: it then takes as long as the consumers do.
  public var parameters: [CycleProfile.Parameter]

  /// Who takes alerts from the ring, and how long that takes for one.
  public struct Consumer: Codable, Equatable, Sendable {
    /// The name that results tell.
    public var name: String
    /// Median time for one alert, in nanoseconds.
    public var p50Nanoseconds: Double
    /// 99th percentile; the same as the median where the time is constant, else the time is log-normal through both.
    public var p99Nanoseconds: Double
    /// How well founded the times are.
    public var tag: CycleProfile.Evidence
    /// Where they come from, in words.
    public var source: String

    enum CodingKeys: String, CodingKey {
      case name, tag, source
      case p50Nanoseconds = "p50_ns"
      case p99Nanoseconds = "p99_ns"
    }
  }

  enum CodingKeys: String, CodingKey {
    case name, title, consumers, parameters
    case handlerLines = "handler_lines"
    case mmuLockHold = "mmu_lock_hold"
  }
}

extension HypervisorProfile {
  /// The same with one figure a cost: the one about this processor, where there is one.
  func resolved(on processor: ProcessorProfile) -> HypervisorProfile {
    var resolved = self
    resolved.parameters = CostParameter.all(of: .hypervisor).compactMap { cost in
      let given = parameters.filter { $0.name == cost }
      guard
        var figure = given.first(where: { $0.on == processor.name }) ?? given.first(where: { $0.on == nil })
          ?? substitute(for: cost, on: processor)
      else { return nil }
      if figure.name == .siliconExitEntry { figure.source = "silicon_exit_entry alone: \(figure.source)" }
      figure.name = cost
      figure.on = nil
      return figure
    }
    return resolved
  }

  /// What stands for a cost that a file may leave out.
  private func substitute(for cost: CostParameter, on processor: ProcessorProfile) -> CycleProfile.Parameter? {
    switch cost {
    case .vmcallRoundTrip: return processor.parameters.first { $0.name == .siliconExitEntry }
    case .outsideAnswer:
      let cyclesPerNanosecond = processor.frequencyMHz.value / 1000
      let medians = consumers.map { $0.p50Nanoseconds * cyclesPerNanosecond }
      let tails = consumers.map { $0.p99Nanoseconds * cyclesPerNanosecond }
      return CycleProfile.Parameter(
        name: cost, low: medians.min() ?? 0, value: medians.max() ?? 0, high: tails.max() ?? 0, tag: .assumed,
        source: "as the consumers: from the fastest's median to the slowest's 99th percentile")
    default: return nil
    }
  }
}
