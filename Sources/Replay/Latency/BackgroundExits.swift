import SeededRandom

/// When vCPUs exit for reasons that have nothing to do with the monitor: independent of each other, at a mean rate of each
/// vCPU's own time at the guest's usual pace. No recording holds them, so they are drawn.
///
/// The same places for all strategies, costs and corners: what is counted depends on them.
struct BackgroundExits {
  private let instructionsBetween: Double
  private var random: [SplitMix64]
  /// Instructions at which each vCPU exits next; nil before its first run.
  private var next: [Double?]

  /// Nil where there are none.
  init?(_ setting: LatencySetting, cyclesPerNanosecond: Double, vcpus: Int) {
    guard setting.exitsPerSecond > 0 else { return nil }
    let cyclesBetween = cyclesPerNanosecond * 1e9 / setting.exitsPerSecond
    instructionsBetween = cyclesBetween / setting.pace.cyclesPerInstruction.value
    random = (0..<vcpus).map { SplitMix64(seed: setting.seed &+ UInt64($0 + 1) &* 0x9e37_79b9_7f4a_7c15) }
    next = Array(repeating: nil, count: vcpus)
  }

  /// Whether a vCPU exits before a run at which it has retired so many instructions; several exits since its last run are one.
  mutating func isDue(on vcpu: Int, at clock: UInt64) -> Bool {
    guard let due = next[vcpu] else {
      next[vcpu] = Double(clock) + interval(vcpu)
      return false
    }
    guard Double(clock) >= due else { return false }
    var next = due
    // A gap of many intervals is passed at once: where the next one falls does not depend on those before.
    if Double(clock) - next > 64 * instructionsBetween { next = Double(clock) }
    while next <= Double(clock) { next = max(next + interval(vcpu), next.nextUp) }
    self.next[vcpu] = next
    return true
  }

  /// Whole instructions, at least one, so that the last bits of a logarithm do not show.
  private mutating func interval(_ vcpu: Int) -> Double {
    max(1, (random[vcpu].exponential() * instructionsBetween).rounded())
  }
}
