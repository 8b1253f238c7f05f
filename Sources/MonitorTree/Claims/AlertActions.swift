/// What the hypervisor does when a write reaches a monitored page: any combination of actions, twelve bits in a node.
@frozen
public struct AlertActions: OptionSet, Hashable, Sendable {
  /// The action bits; bits 11:0 fit a tree entry.
  public let rawValue: UInt16

  /// A set of actions from its bits.
  @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// Count the write.
  @inlinable public static var count: Self { Self(rawValue: 1 << 0) }
  /// Write an event to the log.
  @inlinable public static var log: Self { Self(rawValue: 1 << 1) }
  /// Notify the management consumer.
  @inlinable public static var notify: Self { Self(rawValue: 1 << 2) }
  /// Do not perform the write.
  @inlinable public static var blockWrite: Self { Self(rawValue: 1 << 3) }
  /// Inject a fault into the guest.
  @inlinable public static var inject: Self { Self(rawValue: 1 << 4) }
  /// Suspend the guest.
  @inlinable public static var suspend: Self { Self(rawValue: 1 << 5) }
  /// Power the guest off.
  @inlinable public static var powerOff: Self { Self(rawValue: 1 << 6) }
  /// Take a snapshot, then suspend the guest.
  @inlinable public static var snapshotThenSuspend: Self { Self(rawValue: 1 << 7) }
  /// Cut the guest off its networks.
  @inlinable public static var networkIsolate: Self { Self(rawValue: 1 << 8) }

  /// How many action bits a tree entry holds.
  @inlinable public static var bitWidth: UInt64 { 12 }
  /// Whether every bit fits a tree entry.
  @inlinable public var isStorable: Bool { rawValue >> Self.bitWidth == 0 }
}
