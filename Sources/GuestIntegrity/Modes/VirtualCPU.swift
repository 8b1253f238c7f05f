/// What the hypervisor knows of one vCPU.
struct VirtualCPU: Hashable, Sendable {
  var mode: Mode = .normal
  var activeSet: TableSet = .normal
  /// Sets whose translations this vCPU's caches may hold, by raw value.
  var mayCache: UInt8 = 1 << TableSet.normal.rawValue

  mutating func activate(_ set: TableSet) {
    activeSet = set
    mayCache |= 1 << set.rawValue
  }

  func mayCache(_ set: TableSet) -> Bool { mayCache & 1 << set.rawValue != 0 }

  /// An INVEPT of the set has been executed; what is active may be cached again at once.
  mutating func invalidated(_ set: TableSet) {
    if set != activeSet { mayCache &= ~(1 << set.rawValue) }
  }
}
