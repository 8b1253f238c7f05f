import SeededRandom

/// Calibration, not a recording: so many vCPUs fault at once, again and again, and each fault needs the one lock of the
/// hypervisor's tables for a while. What recordings cannot show, since their vCPUs take turns.
///
/// A closed loop: a vCPU stores, exits, waits for the lock in the order of arrival, holds it, and goes on to its next store.
/// Up to as many vCPUs as the lock has room for beside the rest of a fault, nobody waits; from there on a fault takes as long
/// as all holds together.
package struct LockContention: Sendable {
  /// vCPUs that fault at once.
  package var vcpus: Int
  /// Cycles of a fault outside the lock.
  package var outside: Double
  /// Cycles that a fault holds the lock.
  package var hold: Double

  /// Faults a vCPU before figures are taken, and while they are.
  private static let (warmUp, measured) = (50, 200)

  /// A workload of so many vCPUs.
  package init(vcpus: Int, outside: Double, hold: Double) {
    (self.vcpus, self.outside, self.hold) = (vcpus, outside, hold)
  }

  /// Mean cycles from a store to the next instruction of its vCPU; vCPUs begin within one fault of each other, drawn from the
  /// seed.
  package func meanFault(seed: UInt64) -> Double {
    var random = SplitMix64(seed: seed)
    var begun = (0..<max(vcpus, 1)).map { _ in random.unit() * (outside + hold) }
    var faults = begun.map { _ in 0 }
    var free = 0.0
    var (sum, count) = (0.0, 0)
    while faults.contains(where: { $0 < Self.warmUp + Self.measured }) {
      let vcpu = begun.indices.min { begun[$0] < begun[$1] } ?? 0
      free = max(begun[vcpu] + outside, free) + hold
      faults[vcpu] += 1
      if faults[vcpu] > Self.warmUp {
        sum += free - begun[vcpu]
        count += 1
      }
      begun[vcpu] = free
    }
    return sum / Double(count)
  }
}
