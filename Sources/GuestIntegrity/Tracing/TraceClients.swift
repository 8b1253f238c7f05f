/// Clients of the tracing service, a bit each: who wants the writes to a page seen.
@frozen
public struct ClientSet: OptionSet, Hashable, Sendable {
  /// The bits.
  public let rawValue: UInt8
  /// A set from its bits.
  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Guest integrity, for pages it writes itself in integrity mode: GI data and the tree. Traced in the normal set only.
  @inlinable public static var ownPages: Self { Self(rawValue: 1 << 0) }
  /// Guest integrity, for everything else it monitors. Traced in every set.
  @inlinable public static var protection: Self { Self(rawValue: 1 << 1) }
  /// Both of guest integrity.
  @inlinable public static var guestIntegrity: Self { [.ownPages, .protection] }
}

/// A client beside guest integrity, such as dirty logging; its traces are counted, so it may trace a page repeatedly.
public struct TraceClient: Hashable, Sendable {
  let index: Int
  /// The client as a set of one.
  public var set: ClientSet { ClientSet(rawValue: 1 << UInt8(index)) }
}
