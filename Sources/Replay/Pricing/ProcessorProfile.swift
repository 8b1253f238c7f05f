/// A processor as data: its clock, the sizes of its translation caches, and what its silicon costs.
public struct ProcessorProfile: Codable, Equatable, Sendable {
  /// The name that `--profile` takes.
  public var name: String
  /// The processor in words.
  public var title: String
  /// Cycles are those of this clock, in MHz: low and value nominal, high with turbo.
  public var frequencyMHz: Quantity
  /// Sizes of the caches that translation uses.
  public var geometry: CacheGeometry
  /// Optional features the processor has.
  public var features: [CycleProfile.Feature]
  /// Every cost of a processor, each exactly once.
  public var parameters: [CycleProfile.Parameter]

  enum CodingKeys: String, CodingKey {
    case name, title, geometry, features, parameters
    case frequencyMHz = "frequency_mhz"
  }
}
