import Histogram

/// Notification latency where stores come at their recorded times, whether or not the one before has been dealt with.
///
/// A replay is a closed loop: the next store is issued when the last has been completed, so that a burst of notifications
/// costs each the same, and what waits behind a slow one is omitted in coordination with it. Here each vCPU is a queue with
/// one server: a store arrives at its recorded instruction, one cycle an instruction (assumed), waits until the stores before
/// it have been dealt with, and is noticed and completed at the prices of its own counts.
struct OpenLoop {
  private let profile: CycleProfile
  /// When each vCPU has dealt with what has arrived, in cycles.
  private var free: [Double]
  private var prices: [NotificationShape: (latency: Double, stall: Double)] = [:]
  private var latencies = Histogram<UInt64>(highestTrackableValue: 1 << 48, numberOfSignificantValueDigits: .three)

  init(vcpus: Int, profile: CycleProfile) {
    self.profile = profile
    free = Array(repeating: 0, count: vcpus)
  }

  /// A store that is notified arrives, when its vCPU has retired so many instructions.
  mutating func arrive(_ shape: NotificationShape, on vcpu: Int, at instructions: UInt64) {
    let price = price(of: shape)
    let arrival = Double(instructions)
    let start = max(arrival, free[vcpu])
    latencies.record(UInt64(min(start - arrival + price.latency, 0x1p48).rounded()))
    free[vcpu] = start + price.stall
  }

  /// Cycles from arrival to alert, three significant digits; nil where nothing arrived.
  var percentiles: Percentiles? {
    guard latencies.totalCount > 0 else { return nil }
    func at(_ percentile: Double) -> Double { Double(latencies.valueAtPercentile(percentile)) }
    return Percentiles(p50: at(50), p90: at(90), p99: at(99), p999: at(99.9), max: Double(latencies.max))
  }

  private mutating func price(of shape: NotificationShape) -> (latency: Double, stall: Double) {
    if let known = prices[shape] { return known }
    let price = (
      latency: shape.latencyPrice.priced(by: profile).value, stall: shape.stallPrice.priced(by: profile).value
    )
    prices[shape] = price
    return price
  }
}
