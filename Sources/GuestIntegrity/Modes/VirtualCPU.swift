/// What the hypervisor knows of one vCPU.
struct VirtualCPU: Hashable, Sendable {
  var mode: Mode = .normal
  var activeSet: TableSet = .normal
  /// Sets whose translations this vCPU's caches may hold, by raw value.
  private var mayCache: UInt8 = 1 << TableSet.normal.rawValue
  /// The guest's own registers, kept here while integrity mode runs with private ones.
  var saved: ContextRegisters?
  /// When integrity mode was entered, or first seen where entering does not exit.
  var enteredAt: UInt64?

  mutating func activate(_ set: TableSet) {
    activeSet = set
    mayCache |= 1 << set.rawValue
  }

  func mayCache(_ set: TableSet) -> Bool { mayCache & 1 << set.rawValue != 0 }

  /// An INVEPT of the set has been executed: nothing of it is cached until the set is in force again.
  ///
  /// - Parameter mayLoad: the guest can put the set in force without the hypervisor's knowledge.
  mutating func invalidated(_ set: TableSet, mayLoad: Bool) {
    if set != activeSet, !mayLoad { mayCache &= ~(1 << set.rawValue) }
  }

  /// The guest can put these sets in force without the hypervisor's knowledge from now on.
  mutating func mayLoad(_ sets: [TableSet]) { for set in sets { mayCache |= 1 << set.rawValue } }

  /// The same with caches that hold nothing: what can be carried to another host.
  var withEmptyCaches: Self {
    var copy = Self()
    (copy.mode, copy.activeSet, copy.saved, copy.enteredAt) = (mode, activeSet, saved, enteredAt)
    return copy
  }
}
