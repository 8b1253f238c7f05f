/// What prices the counts: a processor and a hypervisor, two halves that files hold alone or together.
public struct CycleProfile: Equatable, Sendable {
  /// The silicon.
  public var processor: ProcessorProfile
  /// The software, with the figures that hold on this processor.
  public var hypervisor: HypervisorProfile

  /// Both halves together.
  public init(processor: ProcessorProfile, hypervisor: HypervisorProfile) {
    self.processor = processor
    self.hypervisor = hypervisor.resolved(on: processor)
  }

  /// One cost with its range and where it comes from.
  public struct Parameter: Codable, Equatable, Sendable {
    /// Which cost.
    public var name: CostParameter
    /// Least plausible value, in cycles.
    public var low: Double
    /// The value used for the headline figure, in cycles.
    public var value: Double
    /// Greatest plausible value, in cycles.
    public var high: Double
    /// How well founded the value is.
    public var tag: Evidence
    /// Where the value comes from, in words.
    public var source: String
    /// The one processor that a hypervisor's cost is about; nil for any that has none of its own.
    public var on: String?

    /// A cost from its parts.
    public init(
      name: CostParameter, low: Double, value: Double, high: Double, tag: Evidence, source: String, on: String? = nil
    ) {
      self.name = name
      self.low = low
      self.value = value
      self.high = high
      self.tag = tag
      self.source = source
      self.on = on
    }
  }

  /// How well founded a value is.
  public enum Evidence: String, CaseIterable, Codable, Sendable {
    /// Measured by `gi-bench profile measure`, on the machine that the source names.
    case measured
    /// Measured and published by others.
    case published
    /// Computed from published values.
    case derived
    /// A range we consider plausible; nothing published was found.
    case assumed
  }

  /// Optional processor features that a strategy may need.
  public enum Feature: String, CaseIterable, Codable, Sendable {
    /// VMFUNC leaf 0, EPTP switching.
    case vmfunc
    /// EPT violations as virtualization exceptions.
    case ve
    /// Page-modification logging.
    case pml
    /// Sub-page write permissions.
    case spp
  }
}

extension CycleProfile {
  /// The processor's name, which `--profile` takes.
  public var name: String {
    get { processor.name }
    set { processor.name = newValue }
  }

  /// Sizes of the caches that translation uses.
  public var geometry: CacheGeometry {
    get { processor.geometry }
    set { processor.geometry = newValue }
  }

  /// Optional features the modelled processor has; a strategy that needs one it lacks is not offered.
  public var features: [Feature] {
    get { processor.features }
    set { processor.features = newValue }
  }

  /// Every cost of both halves, each once, in the order of ``CostParameter``.
  public var parameters: [Parameter] {
    get { processor.parameters + hypervisor.parameters }
    set {
      processor.parameters = newValue.filter { $0.name.half == .processor }
      hypervisor.parameters = newValue.filter { $0.name.half == .hypervisor }
    }
  }

  /// The cost of one parameter; validation guarantees that each is present.
  public func cost(of parameter: CostParameter) -> Parameter {
    let half = parameter.half == .processor ? processor.parameters : hypervisor.parameters
    return half[half.firstIndex { $0.name == parameter }!]
  }

  /// Takes a cost to be known exactly; `source` says who says so.
  public mutating func fix(_ cost: CostParameter, at cycles: Double, source: String) {
    parameters = parameters.map { given in
      given.name == cost
        ? Parameter(name: cost, low: cycles, value: cycles, high: cycles, tag: .assumed, source: source) : given
    }
  }

  /// So many nanoseconds in cycles of the nominal clock.
  public func cycles(ofNanoseconds nanoseconds: Double) -> Double {
    nanoseconds * processor.frequencyMHz.value / 1000
  }

  /// The same under another hypervisor.
  public func under(_ hypervisor: HypervisorProfile) -> CycleProfile {
    CycleProfile(processor: processor, hypervisor: hypervisor)
  }
}
