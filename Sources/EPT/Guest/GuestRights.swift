import Addresses

extension GuestState {
  /// Whether guest paging denies an access to a translated linear address, shadow stacks and protection keys apart (SDM vol. 3A,
  /// "Determination of Access Rights").
  @inlinable @inline(__always)
  package func denies(_ kind: AccessKind, user: Bool, _ page: GuestTranslation) -> Bool {
    if kind.contains(.fetch) {
      if page.isExecuteDisable { return true }
      return user ? !page.isUser : page.isUser && smep
    }
    if user {
      return !page.isUser || (kind.contains(.write) && !page.isWritable)
    }
    if page.isUser && smap && (!alignmentCheck || kind.contains(.implicit)) { return true }
    return kind.contains(.write) && !page.isWritable && writeProtect
  }

  /// The error code of the page fault by which guest paging denies an access to a translated linear address; nil if it permits it.
  ///
  /// Sources: SDM vol. 3A, "Determination of Access Rights" with its items on shadow-stack accesses, "Protection Keys".
  @inlinable
  func refusal(_ kind: AccessKind, user: Bool, _ page: GuestTranslation) -> UInt32? {
    let byKey = keyDenies(kind, user: user, page)
    let byRights =
      kind.contains(.shadowStack) ? !page.isShadowStack || page.isUser != user : denies(kind, user: user, page)
    guard byKey || byRights else { return nil }
    return faultCode(kind, user: user, protection: true, reserved: false) | (byKey ? 32 : 0)
  }

  /// Whether the protection key of the page denies a data access. A register's bit 2n denies every one, bit 2n + 1 writes, but for those in
  /// supervisor mode with CR0.WP = 0.
  @inlinable
  func keyDenies(_ kind: AccessKind, user: Bool, _ page: GuestTranslation) -> Bool {
    guard !pagingMode.is32Bit, !kind.contains(.fetch), page.isUser ? protectionKeys : supervisorKeys else {
      return false
    }
    let rights = (page.isUser ? pkru : pkrs) >> UInt32(2 * (page.leaf.rawValue >> 59 & 15))
    return rights & 1 != 0 || (rights & 2 != 0 && kind.contains(.write) && (user || writeProtect))
  }

  /// The error code of a page fault (SDM vol. 3A, "Interrupt 14—Page-Fault Exception (#PF)"): bit 0 protection, 1 write, 2 user,
  /// 3 reserved bit, 4 fetch (with SMEP, or NXE where entries have 8 bytes), 6 shadow stack. Bit 5 is ``refusal(_:user:_:)``'s.
  @inlinable
  package func faultCode(_ kind: AccessKind, user: Bool, protection: Bool, reserved: Bool) -> UInt32 {
    (protection ? 1 : 0) | (kind.contains(.write) ? 2 : 0) | (user ? 4 : 0) | (reserved ? 8 : 0)
      | (kind.contains(.fetch) && (smep || (noExecute && pagingMode != .bits32)) ? 16 : 0)
      | (kind.contains(.shadowStack) ? 64 : 0)
  }
}
