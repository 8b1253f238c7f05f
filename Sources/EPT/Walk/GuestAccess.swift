import Addresses

/// What an access does, and on whose behalf.
@frozen
public struct AccessKind: OptionSet, Hashable, Sendable {
  /// The properties as bits; bits 2:0 stand as in an exit qualification.
  public let rawValue: UInt16
  /// Properties from bits.
  @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// A data read.
  @inlinable public static var read: AccessKind { AccessKind(rawValue: 1 << 0) }
  /// A data write.
  @inlinable public static var write: AccessKind { AccessKind(rawValue: 1 << 1) }
  /// An instruction fetch.
  @inlinable public static var fetch: AccessKind { AccessKind(rawValue: 1 << 2) }
  /// A read-modify-write: one access that is both.
  @inlinable public static var readWrite: AccessKind { AccessKind(rawValue: 0x3) }

  /// There is a linear address. Not so for the load of PDPTEs by MOV to CR, for trace output and for architectural PEBS.
  @inlinable public static var linear: AccessKind { AccessKind(rawValue: 1 << 3) }
  /// The access is to a guest paging-structure entry; a write of this kind is an update of accessed and dirty flags.
  @inlinable public static var pagingStructure: AccessKind { AccessKind(rawValue: 1 << 4) }
  /// The linear address is a user-mode one: U/S = 1 in every guest entry of its translation, or CR0.PG = 0.
  @inlinable public static var userAddress: AccessKind { AccessKind(rawValue: 1 << 5) }
  /// Guest paging allows writes to the linear address.
  @inlinable public static var guestWritable: AccessKind { AccessKind(rawValue: 1 << 6) }
  /// Guest paging makes the linear address execute-disable.
  @inlinable public static var guestExecuteDisable: AccessKind { AccessKind(rawValue: 1 << 7) }
  /// A shadow-stack access.
  @inlinable public static var shadowStack: AccessKind { AccessKind(rawValue: 1 << 8) }
  /// A supervisor shadow-stack access.
  @inlinable public static var supervisorShadowStack: AccessKind { AccessKind(rawValue: 0x300) }
  /// A guest entry of this translation was read from a page without paging-write access: what guest-paging verification looks for.
  @inlinable public static var unverifiedPaging: AccessKind { AccessKind(rawValue: 1 << 10) }
  /// The access is asynchronous to instruction execution (trace output, PEBS, user-interrupt delivery).
  @inlinable public static var asynchronous: AccessKind { AccessKind(rawValue: 1 << 11) }
  /// A write that may not use sub-page permissions: transactional, to an enclave's range, by PEBS, or across pages by policy.
  @inlinable public static var noSubPage: AccessKind { AccessKind(rawValue: 1 << 12) }

  /// An implicit access to a system structure, in supervisor mode whatever the privilege: EFLAGS.AC does not count.
  @inlinable public static var implicit: AccessKind { AccessKind(rawValue: 1 << 13) }

  /// An ordinary data read through a linear address.
  @inlinable public static var dataRead: AccessKind { AccessKind(rawValue: 0x9) }
  /// An ordinary data write through a linear address.
  @inlinable public static var dataWrite: AccessKind { AccessKind(rawValue: 0xa) }
  /// An ordinary fetch through a linear address.
  @inlinable public static var codeFetch: AccessKind { AccessKind(rawValue: 0xc) }
  /// The read of a guest paging-structure entry on behalf of a linear address.
  @inlinable public static var pagingRead: AccessKind { AccessKind(rawValue: 0x19) }
}

/// One access with a guest-physical address.
@frozen
public struct GuestAccess: Hashable, Sendable {
  /// Where the access goes.
  public var gpa: GuestPhysicalAddress
  /// The linear address that led to it; meaningful with ``AccessKind/linear``.
  public var gla: GuestLinearAddress
  /// What it does and on whose behalf.
  public var kind: AccessKind
  /// How many bytes of the page it touches, from `gpa` on; sub-page permissions look at it, nothing else does.
  public var byteCount: UInt16

  /// An access from its parts.
  @inlinable @inline(__always)
  public init(
    _ gpa: GuestPhysicalAddress, _ kind: AccessKind, gla: GuestLinearAddress = GuestLinearAddress(0),
    byteCount: UInt16 = 1
  ) {
    self.gpa = gpa
    self.gla = gla
    self.kind = kind
    self.byteCount = byteCount
  }
}
