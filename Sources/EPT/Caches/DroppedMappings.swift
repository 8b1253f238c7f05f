import Addresses

/// Which cached mappings go: what ``EPTMachine`` has every translation cache drop.
///
/// When that happens is written once, in the machine: for an EPT violation, INVEPT, INVVPID, INVLPG, MOV to CR3, a page fault,
/// VM entry and VM exit (SDM vol. 3C, "Operations That Invalidate Cached Mappings"; vol. 3A, "Operations that Invalidate TLBs
/// and Paging-Structure Caches").
public enum DroppedMappings: Hashable, Sendable {
  /// Guest-physical mappings that would translate an address under a hierarchy.
  case physical(GuestPhysicalAddress, EPTRTA)
  /// Combined or linear mappings that would translate a linear address.
  case linear(GuestLinearAddress, CombinedContexts)
  /// The same, and what else is cached of the guest page that holds the address: a large page may be cached in fragments, and
  /// INVLPG ends them all (SDM vol. 3A, "Details of TLB Use"). Global translations go unless those are retained.
  case page(GuestLinearAddress, CombinedContexts, retainingGlobals: Bool)
  /// All combined or linear mappings of contexts, but for global translations if those are retained.
  case combined(CombinedContexts, retainingGlobals: Bool)
  /// Combined or linear paging-structure entries alone.
  case combinedStructures(CombinedContexts)
  /// All mappings of a hierarchy, guest-physical and combined; nil for every hierarchy's. Linear mappings stay.
  case hierarchy(EPTRTA?)
}

/// Some of the contexts that combined and linear mappings belong to.
public struct CombinedContexts: Hashable, Sendable {
  /// Of this VPID; nil for every VPID but 0.
  public var vpid: UInt16?
  /// Of this PCID, global ones included; nil for every PCID.
  public var pcid: UInt16?
  /// Of this hierarchy; nil for every one, and for linear mappings too.
  public var tag: EPTRTA?

  /// Those of a VPID, and of a PCID and a hierarchy if they are given.
  public init(vpid: UInt16?, pcid: UInt16? = nil, tag: EPTRTA? = nil) {
    self.vpid = vpid
    self.pcid = pcid
    self.tag = tag
  }

  /// One context, with the global translations of its VPID and hierarchy.
  public init(_ context: CombinedContext) { self.init(vpid: context.vpid, pcid: context.pcid, tag: context.tag) }

  /// Whether a context is one of them.
  public func contains(_ context: CombinedContext) -> Bool {
    guard vpid.map({ $0 == context.vpid }) ?? (context.vpid != 0) else { return false }
    guard tag.map({ $0 == context.tag }) ?? true else { return false }
    return pcid.map { $0 == context.pcid || context.isGlobal } ?? true
  }
}

/// A translation cache beside the machine: whoever drives the machine asks and fills it, and the machine says what it drops.
public protocol TranslationCache: AnyObject {
  /// Drops mappings.
  func drop(_ mappings: DroppedMappings)
}
