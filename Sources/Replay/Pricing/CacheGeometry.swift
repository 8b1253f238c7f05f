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
  /// First-level TLB that serves loads; nil for one of the size of ``l1StoreTLB``.
  public var l1LoadTLB: SetAssociative?
  /// First-level TLB that serves fetches of instructions; nil for one of the size of ``l1StoreTLB``.
  public var l1InstructionTLB: SetAssociative?
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
  /// Cache lines of the whole data caches: what tells where a hypervisor finds its own lines again. A file may leave them out;
  /// they are then 32 KiB, 1 MiB and 24 MiB.
  public var dataLines: WalkLines?

  /// Lines of three levels of data caches.
  public struct WalkLines: Codable, Hashable, Sendable {
    /// Lines in the first-level data cache.
    public var l1: Int
    /// Lines in the second-level cache.
    public var l2: Int
    /// Lines in the last-level cache.
    public var l3: Int

    /// Data caches that a file does not tell of (assumed).
    static let usual = WalkLines(l1: 512, l2: 16_384, l3: 393_216)

    fileprivate func validate(at place: String, upTo most: Int) throws {
      let lines = [l1, l2, l3]
      guard lines.allSatisfy({ (0...most).contains($0) }), l1 <= l2, l2 <= l3 else {
        throw ProfileError(description: "\(place) is \(lines), expected 0 <= l1 <= l2 <= l3 <= \(most) lines")
      }
    }
  }

  enum CodingKeys: String, CodingKey {
    case l1StoreTLB = "l1_store_tlb"
    case l1LoadTLB = "l1_load_tlb"
    case l1InstructionTLB = "l1_instruction_tlb"
    case stlb
    case pdeCache = "pde_cache"
    case pdpteCache = "pdpte_cache"
    case pml4eCache = "pml4e_cache"
    case walkLines = "walk_lines"
    case dataLines = "data_lines"
  }
}

extension CacheGeometry {
  /// The TLB of loads. Where loads and stores share one, each kind has one of its size here (modelled).
  var loadTLB: SetAssociative { l1LoadTLB ?? l1StoreTLB }
  var instructionTLB: SetAssociative { l1InstructionTLB ?? l1StoreTLB }

  func validate(at place: String) throws {
    try l1StoreTLB.validate(at: "\(place).l1_store_tlb")
    try loadTLB.validate(at: "\(place).l1_load_tlb")
    try instructionTLB.validate(at: "\(place).l1_instruction_tlb")
    try stlb.validate(at: "\(place).stlb")
    try validate(pdeCache, at: "\(place).pde_cache")
    try validate(pdpteCache, at: "\(place).pdpte_cache")
    try validate(pml4eCache, at: "\(place).pml4e_cache")
    try walkLines.validate(at: "\(place).walk_lines", upTo: 1 << 20)
    try dataLines?.validate(at: "\(place).data_lines", upTo: 1 << 26)
  }

  private func validate(_ entries: Int, at place: String) throws {
    guard (0...4096).contains(entries) else {
      throw ProfileError(description: "\(place) is \(entries), expected 0 to 4096 entries")
    }
  }
}

extension CacheGeometry.SetAssociative {
  fileprivate func validate(at place: String) throws {
    let sets = ways > 0 ? entries / ways : 0
    guard (1...64).contains(ways), (1...65536).contains(entries), sets * ways == entries, sets.nonzeroBitCount == 1
    else {
      throw ProfileError(
        description:
          "\(place) has \(entries) entries in \(ways) ways, expected 1 to 64 ways and a power of two of sets")
    }
  }
}
