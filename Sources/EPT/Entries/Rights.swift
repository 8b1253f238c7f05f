/// What an EPT entry allows: bits 2:0, and bit 10 with mode-based execute control (SDM vol. 3C, "Format of an EPT … Entry" tables).
@frozen
public struct Rights: OptionSet, Hashable, Sendable {
  /// The rights as bits: 0 read, 1 write, 2 execute, 3 execute for user-mode linear addresses.
  public let rawValue: UInt8

  /// Rights from their bits; bits 7:4 are dropped.
  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue & 15 }

  /// Reads are allowed (bit 0 of an entry).
  @inlinable public static var read: Rights { Rights(rawValue: 1) }
  /// Writes are allowed (bit 1 of an entry).
  @inlinable public static var write: Rights { Rights(rawValue: 2) }
  /// Fetches are allowed; with mode-based execute control, those from supervisor-mode linear addresses (bit 2 of an entry).
  @inlinable public static var execute: Rights { Rights(rawValue: 4) }
  /// Fetches from user-mode linear addresses are allowed; counts with mode-based execute control only (bit 10 of an entry).
  @inlinable public static var executeUser: Rights { Rights(rawValue: 8) }

  /// Everything.
  @inlinable public static var all: Rights { [.read, .write, .execute, .executeUser] }

  /// The rights that an entry, or the AND of several entries, grants.
  @inlinable @inline(__always)
  public init(entryBits bits: UInt64) { self.init(rawValue: UInt8(truncatingIfNeeded: bits & 7 | bits >> 7 & 8)) }

  /// The rights as bits 2:0 and 10 of an entry.
  @inlinable @inline(__always)
  package var entryBits: UInt64 { UInt64(rawValue & 7) | UInt64(rawValue & 8) << 7 }

  /// The bits of an entry that hold rights.
  @inlinable package static var entryMask: UInt64 { 0x407 }
}

extension Rights: CustomStringConvertible {
  /// The rights as `RWX` with `-` for each missing one, and `U` appended for user execution.
  public var description: String {
    (contains(.read) ? "R" : "-") + (contains(.write) ? "W" : "-") + (contains(.execute) ? "X" : "-")
      + (contains(.executeUser) ? "U" : "")
  }
}
