import Addresses

/// Whose entry a memory reference of a walk read.
@frozen
public enum ReferenceKind: UInt8, Hashable, Sendable {
  /// An EPT paging-structure entry; levels 5...1.
  case ept
  /// A guest paging-structure entry; levels 5...1.
  case guest
  /// An entry of the sub-page permission tables; levels 4...2, and 1 for the vector.
  case subPage

  /// The word that the walk protocol prints.
  public var name: String {
    switch self {
    case .ept: "ept"
    case .guest: "guest"
    case .subPage: "spp"
    }
  }
}

/// Why the processor itself stored to memory during a translation.
@frozen
public enum WriteKind: UInt8, Hashable, Sendable {
  /// Accessed or dirty flag of a guest paging-structure entry, through EPT.
  case guestFlags
  /// An entry of the page-modification log; physical, not through EPT.
  case modificationLog
  /// Accessed or dirty flag of an EPT entry; physical.
  case eptFlags
  /// A field of the virtualization-exception information area; physical.
  case exceptionInformation
}

/// What watches a walk. The walker is generic over it and specialised by the compiler: watching nothing costs nothing.
public protocol WalkObserver {
  /// A paging-structure entry was read: its kind, its level, where it lies, and what it held.
  mutating func reference(_ kind: ReferenceKind, level: UInt8, address: HostPhysicalAddress, value: UInt64)

  /// The processor stored: why, where (8-byte aligned), and what the 64-bit word there holds now.
  mutating func write(_ kind: WriteKind, address: HostPhysicalAddress, value: UInt64)
}

/// Watches nothing.
@frozen
public struct NoObserver: WalkObserver, Sendable {
  /// The observer that does nothing.
  @inlinable public init() {}
  /// Does nothing.
  @inlinable @inline(__always)
  public mutating func reference(_ kind: ReferenceKind, level: UInt8, address: HostPhysicalAddress, value: UInt64) {}
  /// Does nothing.
  @inlinable @inline(__always)
  public mutating func write(_ kind: WriteKind, address: HostPhysicalAddress, value: UInt64) {}
}

/// Counts references by structure and the processor's own stores by kind.
@frozen
public struct ReferenceCounter: WalkObserver, Hashable, Sendable {
  /// References to EPT entries.
  public var ept: UInt64 = 0
  /// References to guest entries.
  public var guest: UInt64 = 0
  /// References to sub-page permission tables.
  public var subPage: UInt64 = 0
  /// Stores of guest accessed and dirty flags.
  public var guestFlagWrites: UInt64 = 0
  /// Entries written to the page-modification log.
  public var logWrites: UInt64 = 0
  /// Stores of EPT accessed and dirty flags.
  public var eptFlagWrites: UInt64 = 0
  /// Stores to the virtualization-exception information area.
  public var exceptionWrites: UInt64 = 0

  /// A counter at zero.
  @inlinable public init() {}

  /// All references: 24 for a cold walk of four guest levels through four EPT levels.
  @inlinable public var references: UInt64 { ept &+ guest &+ subPage }

  /// Counts the reference.
  @inlinable @inline(__always)
  public mutating func reference(_ kind: ReferenceKind, level: UInt8, address: HostPhysicalAddress, value: UInt64) {
    switch kind {
    case .ept: ept &+= 1
    case .guest: guest &+= 1
    case .subPage: subPage &+= 1
    }
  }

  /// Counts the store.
  @inlinable @inline(__always)
  public mutating func write(_ kind: WriteKind, address: HostPhysicalAddress, value: UInt64) {
    switch kind {
    case .guestFlags: guestFlagWrites &+= 1
    case .modificationLog: logWrites &+= 1
    case .eptFlags: eptFlagWrites &+= 1
    case .exceptionInformation: exceptionWrites &+= 1
    }
  }
}

/// Keeps every reference and every store, in order.
public struct ReferenceLog: WalkObserver, Sendable {
  /// One reference of a walk.
  public struct Reference: Hashable, Sendable {
    /// Whose entry was read.
    public let kind: ReferenceKind
    /// Its level, 1 at the bottom.
    public let level: UInt8
    /// Where it lies.
    public let address: HostPhysicalAddress
    /// What it held.
    public let value: UInt64
  }

  /// One store that the processor made by itself.
  public struct Write: Hashable, Sendable {
    /// Why.
    public let kind: WriteKind
    /// The 64-bit word stored to.
    public let address: HostPhysicalAddress
    /// What the word held afterwards.
    public let value: UInt64
  }

  /// The references in order.
  public private(set) var references: [Reference] = []
  /// The stores in order.
  public private(set) var writes: [Write] = []

  /// An empty log.
  public init() {}

  /// Empties the log and keeps its room.
  public mutating func removeAll() {
    references.removeAll(keepingCapacity: true)
    writes.removeAll(keepingCapacity: true)
  }

  /// Notes the reference.
  public mutating func reference(_ kind: ReferenceKind, level: UInt8, address: HostPhysicalAddress, value: UInt64) {
    references.append(Reference(kind: kind, level: level, address: address, value: value))
  }

  /// Notes the store.
  public mutating func write(_ kind: WriteKind, address: HostPhysicalAddress, value: UInt64) {
    writes.append(Write(kind: kind, address: address, value: value))
  }
}
