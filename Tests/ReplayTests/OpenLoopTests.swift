import SeededRandom
import GuestIntegrity
import Testing

@testable import Replay

@Suite("Open loop")
struct OpenLoopTests {
  private let profile: CycleProfile
  private let shape = NotificationShape(
    delivery: .exit, completion: Acts(.emulatedStore), walkReferences: [1, 0, 0, 0], treeNodes: 2)

  init() throws { profile = try #require(try ProfileLibrary.profile(named: ProfileLibrary.defaultName)) }

  private func latencies(_ arrivals: [(vcpu: Int, at: UInt64)]) -> Percentiles? {
    var loop = OpenLoop(vcpus: 2, profile: profile)
    for arrival in arrivals { loop.arrive(shape, on: arrival.vcpu, at: arrival.at) }
    return loop.percentiles
  }

  /// Equal to three significant digits.
  private func isClose(_ a: Double?, _ b: Double) -> Bool { abs((a ?? .infinity) - b) <= max(1, b / 500) }

  @Test("is the closed loop where stores are far apart, or on different vCPUs")
  func apart() {
    let alone = shape.latencyPrice.priced(by: profile).value
    #expect(isClose(latencies([(0, 1000)])?.max, alone))
    #expect(isClose(latencies([(0, 1000), (0, 1_000_000), (1, 1000)])?.max, alone))
    #expect(latencies([]) == nil)
  }

  @Test("makes what comes in a burst wait for what came before")
  func burst() {
    let latency = shape.latencyPrice.priced(by: profile).value
    let stall = shape.stallPrice.priced(by: profile).value
    let burst = latencies((0..<100).map { (0, 5000 + UInt64($0)) })
    #expect(isClose(burst?.max, latency + 99 * (stall - 1)))
    #expect(isClose(burst?.p50, latency + 49 * (stall - 1)))
  }

  @Test("is what a clock that ticks through the queue sees", arguments: 0..<20 as Range<UInt64>)
  func ticking(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var time: UInt64 = 0
    let arrivals = (0..<60).map { _ in
      time += UInt64.random(in: 0...4000, using: &random)
      return (vcpu: 0, at: time)
    }
    let stall = shape.stallPrice.priced(by: profile).value
    // What is left to do, counted down between arrivals.
    var backlog = 0.0
    var last: UInt64 = 0
    var longest = 0.0
    for arrival in arrivals {
      backlog = max(0, backlog - Double(arrival.at - last))
      last = arrival.at
      longest = max(longest, backlog + shape.latencyPrice.priced(by: profile).value)
      backlog += stall
    }
    #expect(isClose(latencies(arrivals)?.max, longest), "seed \(seed)")
  }
}
