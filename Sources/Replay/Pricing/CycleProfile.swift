/// A processor model as data: the sizes of its translation caches and what each event costs, every cost with its range.
public struct CycleProfile: Codable, Equatable, Sendable {
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

  /// Schema version of the file, 1.
  public var schema: Int
  /// The name that `--profile` takes.
  public var name: String
  /// The processor in words.
  public var processor: String
  /// Sizes of the caches that translation uses.
  public var geometry: CacheGeometry
  /// Optional features the modelled processor has; a strategy that needs one it lacks is not offered.
  public var features: [Feature]
  /// Every cost, each parameter exactly once.
  public var parameters: [Parameter]

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

  /// The cost of one parameter; validation guarantees that each is present.
  public func cost(of parameter: CostParameter) -> Parameter {
    parameters[parameters.firstIndex { $0.name == parameter }!]
  }
}

/// Sizes of the caches that translation uses.
public struct CacheGeometry: Codable, Hashable, Sendable {
  /// A set-associative cache of translations.
  public struct SetAssociative: Codable, Hashable, Sendable {
    /// Entries in all.
    public var entries: Int
    /// Entries a set; `entries` for a fully associative cache.
    public var ways: Int
  }

  /// First-level TLB that serves stores, 4 KiB pages.
  public var l1StoreTLB: SetAssociative
  /// Unified second-level TLB, 4 KiB pages.
  public var stlb: SetAssociative
  /// Paging-structure cache entries that hold a PDE, a PDPTE, a PML4E; each fully associative.
  public var pdeCache: Int
  /// See ``pdeCache``.
  public var pdpteCache: Int
  /// See ``pdeCache``.
  public var pml4eCache: Int
  /// Cache lines of EPT structures that stay in the first-level data cache, the second-level cache and the last-level cache
  /// in competition with the guest's own data; an assumption, least recently used.
  public var walkLines: WalkLines

  /// See ``walkLines``.
  public struct WalkLines: Codable, Hashable, Sendable {
    /// Lines in the first-level data cache.
    public var l1: Int
    /// Lines in the second-level cache.
    public var l2: Int
    /// Lines in the last-level cache.
    public var l3: Int
  }

  enum CodingKeys: String, CodingKey {
    case l1StoreTLB = "l1_store_tlb"
    case stlb
    case pdeCache = "pde_cache"
    case pdpteCache = "pdpte_cache"
    case pml4eCache = "pml4e_cache"
    case walkLines = "walk_lines"
  }
}
