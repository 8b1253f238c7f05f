/// What the SDM leaves open, as named choices. The defaults are the ones the walk protocol states.
@frozen
public struct Policies: Hashable, Sendable {
  /// When guest accessed and dirty flags are set, against the EPT check of the final guest-physical address.
  @frozen
  public enum GuestFlags: UInt8, Hashable, Sendable {
    /// Before the check, as Bochs does: a violated access may leave flags behind.
    case before
    /// After the check: an access that exits leaves nothing behind in the guest.
    case after
  }

  /// Which EPT accessed flags a translation sets that ends in a violation.
  @frozen
  public enum FailedFlags: UInt8, Hashable, Sendable {
    /// None.
    case none
    /// Those of the entries above the deciding one.
    case upperLevels
  }

  /// Which page of an access that crosses a page boundary is reported when both fail.
  @frozen
  public enum CrossingOrder: UInt8, Hashable, Sendable {
    /// The page of the first byte.
    case lowFirst
    /// The page of the last byte.
    case highFirst
  }

  /// What a store of more than 8 bytes commits when one of its two pages denies it.
  @frozen
  public enum WideStore: UInt8, Hashable, Sendable {
    /// Nothing.
    case allOrNothing
    /// The part on the permitted page.
    case permittedPart
  }

  /// Whether a write that crosses a page may use sub-page permissions.
  @frozen
  public enum SubPageCrossing: UInt8, Hashable, Sendable {
    /// No: it is an EPT violation.
    case deny
    /// Yes, each page by its own vector.
    case perPage
  }

  /// Which edition's rule makes a write eligible for sub-page permissions.
  @frozen
  public enum SubPageEdition: UInt8, Hashable, Sendable {
    /// Denied only because bit 1 is clear somewhere.
    case current
    /// Moreover readable: bit 0 set in every entry.
    case requiresReadable
  }

  /// What the translation caches keep.
  @frozen
  public enum Cache: Hashable, Sendable {
    /// Nothing: every access walks.
    case none
    /// Everything that may be cached, until it is architecturally invalidated: finds a missing INVEPT.
    case maximal
    /// As `maximal`, but each look-up is dropped with probability 1/2: finds what depends on staleness.
    case random(seed: UInt64)
  }

  /// Bit 0 of the qualification when a read-modify-write violates; bit 1 is always set.
  public var readModifyWriteReportsRead = false
  /// When guest accessed and dirty flags are set.
  public var guestFlags = GuestFlags.after
  /// Which EPT accessed flags a failed translation sets.
  public var failedFlags = FailedFlags.none
  /// Which page of a crossing access is reported.
  public var crossingOrder = CrossingOrder.lowFirst
  /// What a wide crossing store commits.
  public var wideStore = WideStore.allOrNothing
  /// Sub-page permissions of a crossing write.
  public var subPageCrossing = SubPageCrossing.deny
  /// Eligibility for sub-page permissions.
  public var subPageEdition = SubPageEdition.current
  /// What the translation caches keep.
  public var cache = Cache.none

  /// Whether a permitted access tells its effective memory type.
  public var reportsMemoryType = false

  /// The defaults.
  @inlinable public init() {}
}
