/// The counts of one refused store, small enough to tally: notifications of equal shape cost the same under any profile.
///
/// Millions of notifications fall into a few dozen shapes, so their latency distribution is exact, of constant memory, and
/// priced again for each profile without another replay.
public struct NotificationShape: Hashable, Sendable {
  /// How the processor handed the store to whoever looks it up.
  public enum Delivery: UInt8, Hashable, Sendable {
    /// An EPT violation exit.
    case exit
    /// An EPT violation as #VE to a handler in the guest.
    case virtualizationException
    /// Found later in a page-modification log.
    case drainedLog
    /// Met by whoever completes a store, on the way to its second page: no exit of its own.
    case completion
  }

  /// How the store was completed after the alert.
  public enum Completion: UInt8, Hashable, Sendable {
    /// The hypervisor emulated it.
    case emulated
    /// The page was opened for one single-stepped instruction.
    case singleStepped
    /// The handler in the guest switched to an open view for one store.
    case viewSwitched
    /// The store was blocked.
    case blocked
    /// The store had completed before it was noticed.
    case alreadyDone
  }

  /// How it was delivered.
  public var delivery: Delivery
  /// How it was completed.
  public var completion: Completion
  /// EPT entries the failing walk read from the first-level, second-level and last-level cache, and from memory.
  public var walkReferences: SIMD4<UInt8>
  /// Tree nodes the look-up visited.
  public var treeNodes: UInt8
  /// Whether an alert was raised; a refused store of the driver's own, or of a page that nobody monitors, raises none.
  public var isAlert: Bool

  /// A shape from its counts.
  public init(
    delivery: Delivery, completion: Completion, walkReferences: SIMD4<UInt8>, treeNodes: UInt8, isAlert: Bool = true
  ) {
    self.delivery = delivery
    self.completion = completion
    self.walkReferences = walkReferences
    self.treeNodes = treeNodes
    self.isAlert = isAlert
  }
}
