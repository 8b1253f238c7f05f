extension EPTMachine {
  /// The memory type of a permitted access (SDM vol. 3C, "Memory Type Used for Translated Guest-Physical Addresses").
  ///
  /// The type of the guest's leaf is WB where there is none. With EPT off there are only the MTRRs to combine with, which this model lacks: WB.
  @usableFromInline @inline(never)
  func memoryType(_ pending: PendingAccess) -> MemoryType {
    let leaf = pending.walk.entry
    var pat = MemoryType.writeBack
    if guest.pagingMode != .off, let page = pending.page {
      pat = page.leaf.patType(at: page.level, register: guest.pat)
    }
    return .effective(
      ept: MemoryType(rawValue: leaf.memoryTypeBits) ?? .uncacheable, ignorePAT: leaf.ignoresPAT, pat: pat,
      cacheDisabled: guest.cacheDisabled)
  }
}
