import Addresses
import MonitorTree

/// What a refused store turned out to be, and what becomes of it.
@frozen
public struct Verdict: Hashable, Sendable {
  /// What the tree and the GI ranges said.
  @frozen
  public enum Finding: Hashable, Sendable {
    /// The page is not monitored by guest integrity; another trace client, or nobody, wanted the write seen.
    case notMine
    /// The GI driver in integrity mode, writing its own data or its tree: no alert.
    case ownWrite(PageKind)
    /// A monitored page: an alert was raised.
    case alert(PageKind, region: RegionID, actions: AlertActions)
    /// A tree node on the way to the answer is not as the driver left it: an alert was raised.
    case corrupt(node: GuestPageNumber, actions: AlertActions)
  }

  /// What the tree and the GI ranges said.
  public let finding: Finding
  /// What becomes of the store.
  public let effect: Effect
  /// How many tree nodes the look-up read.
  public let nodesVisited: Int
  /// The other clients that traced the page.
  public let otherClients: ClientSet

  /// What becomes of a store, and of the machine, after the alert.
  @frozen
  public struct Effect: OptionSet, Hashable, Sendable {
    /// The bits.
    public let rawValue: UInt8
    /// An effect from its bits.
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The store is not performed.
    @inlinable public static var blocked: Self { Self(rawValue: 1 << 0) }
    /// A fault is injected into the guest at the storing instruction.
    @inlinable public static var faultInjected: Self { Self(rawValue: 1 << 1) }
    /// The guest is cut off its networks.
    @inlinable public static var isolated: Self { Self(rawValue: 1 << 2) }
    /// A snapshot is taken before the machine stops.
    @inlinable public static var snapshot: Self { Self(rawValue: 1 << 3) }
    /// The guest is suspended.
    @inlinable public static var suspended: Self { Self(rawValue: 1 << 4) }
    /// The guest is powered off.
    @inlinable public static var poweredOff: Self { Self(rawValue: 1 << 5) }
  }

  @inlinable
  init(_ finding: Finding, effect: Effect = [], nodesVisited: Int, otherClients: ClientSet) {
    self.finding = finding
    self.effect = effect
    self.nodesVisited = nodesVisited
    self.otherClients = otherClients
  }

  /// Whether an alert was raised.
  @inlinable public var isAlert: Bool {
    switch finding {
    case .alert, .corrupt: true
    case .notMine, .ownWrite: false
    }
  }

  /// Whether the store is to be performed.
  @inlinable public var isCompleted: Bool { !effect.contains(.blocked) }
}
