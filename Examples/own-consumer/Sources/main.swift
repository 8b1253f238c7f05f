// How long alerts take to a consumer of one's own, under its ring and its service time.
import Foundation
import Replay

guard CommandLine.arguments.count == 2, let profile = try ProfileLibrary.profile(named: "icelake-sp") else {
  print("usage: own-consumer FILE.trace")
  exit(64)
}
for (name, whenFull) in [("loses alerts", .lose), ("holds vCPUs", .park)] as [(String, Consumer.WhenFull)] {
  var request = ReplayRequest(
    tracePath: CommandLine.arguments[1], strategies: [.eptpExit], profile: profile, countersOnly: true)
  // Nanoseconds from turning to an alert to having it in hand: least, usual, most.
  let service = Bracket(low: 800, value: 2_000, high: 9_000)
  request.latency = LatencySetting(
    consumer: Consumer(name: "mine", slots: 8, service: .constant(service), whenFull: whenFull))
  let notifications = try replay(request).strategies[0].notifications
  guard let delivered = notifications.deliveredCycles, let consumer = notifications.consumer else { continue }
  print(
    "a ring of 8 that \(name) when full: p50 \(delivered.p50.value), p99 \(delivered.p99.value) cycles; "
      + "\(consumer.lost.value) of \(notifications.count) lost")
}
