import Execution
import GuestIntegrity
import MonitorTree

/// The counts of one refused store, small enough to tally: notifications of equal shape cost the same under any profile.
///
/// Millions of notifications fall into a few dozen shapes, so their latency distribution is exact, of constant memory, and
/// priced again for each profile without another replay.
public struct NotificationShape: Hashable, Sendable {
  /// How the processor handed the store to whoever looks it up.
  public typealias Delivery = Execution.Delivery

  /// How it was delivered.
  public var delivery: Delivery
  /// What it took, beyond its delivery, until it could be judged.
  public var asking: Acts
  /// What was done to complete it; nothing where it was blocked, or had completed before it was noticed.
  public var completion: Acts
  /// EPT entries the failing walk read from the first-level, second-level and last-level cache, and from memory.
  public var walkReferences: SIMD4<UInt8>
  /// Tree nodes the look-up visited.
  public var treeNodes: UInt8
  /// Whether an alert was raised; a refused store of the driver's own, or of a page that nobody monitors, raises none.
  public var isAlert: Bool
  /// The alert actions that were carried out beside it, of those that cost cycles and let the guest go on.
  public var actions: AlertActions

  /// A shape from its counts.
  public init(
    delivery: Delivery, asking: Acts = Acts(), completion: Acts = Acts(), walkReferences: SIMD4<UInt8>,
    treeNodes: UInt8, isAlert: Bool = true, actions: AlertActions = []
  ) {
    self.delivery = delivery
    self.asking = asking
    self.completion = completion
    self.walkReferences = walkReferences
    self.treeNodes = treeNodes
    self.isAlert = isAlert
    self.actions = actions
  }

  /// Acts follow from the strategy and the delivery, all but always, and are left out.
  public func hash(into hasher: inout Hasher) {
    var word = UInt64(treeNodes) << 32 | UInt64(delivery.rawValue) << 40 | (isAlert ? 1 : 0) << 48
    for level in 0..<4 { word |= UInt64(walkReferences[level]) << UInt64(8 * level) }
    hasher.combine(word)
  }
}

extension Acts {
  /// As events.
  var events: [(event: Event, count: UInt64)] {
    Act.allCases.compactMap { self[$0] == 0 ? nil : ($0.event, UInt64(self[$0])) }
  }
}

extension Act {
  /// As it is counted and priced.
  var event: Event {
    switch self {
    case .emulatedStore: .emulatedStores
    case .monitorTrapExit: .singleSteps
    case .hypercallExit: .hypercallExits
    case .violationExit: .violationExits
    case .logFullExit: .pmlFullExits
    case .eptpWrite: .eptpWrites
    case .vmfuncSwitch: .vmfuncSwitches
    case .outsideAnswer: .outsideAnswers
    }
  }
}
