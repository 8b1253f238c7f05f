import Addresses
import Replay

/// Notifications as slices of the Trace Event Format: a process for each recording and strategy, a thread for each vCPU, the stages
/// nested in what its vCPU waits for, and the way of the alert from the ring to the consumer as a span of its own.
///
/// Time is each vCPU's own since protection began, in modelled cycles at the nominal clock.
struct PerfettoSlices {
  private let profile: CycleProfile
  private var processes: [String: Int] = [:]
  private var threads: Set<[Int]> = []
  private var isFirst = true

  init(profile: CycleProfile) { self.profile = profile }

  private struct TraceEvent: Encodable {
    var ph: String
    var pid: Int
    var tid: Int
    var name: String
    var cat: String?
    var id: UInt64?
    var ts: Double?
    var dur: Double?
    var s: String?
    var args: [String: String]?
  }

  mutating func events(of listed: ListedNotification, in trace: String) throws -> String {
    let process = "\(listed.strategy), \(trace)"
    let (pid, tid) = (processes[process] ?? processes.count + 1, listed.vcpu + 1)
    var events: [TraceEvent] = []
    if processes.updateValue(pid, forKey: process) == nil {
      events.append(TraceEvent(ph: "M", pid: pid, tid: 0, name: "process_name", args: ["name": process]))
    }
    if threads.insert([pid, tid]).inserted {
      events.append(TraceEvent(ph: "M", pid: pid, tid: tid, name: "thread_name", args: ["name": "vCPU \(listed.vcpu)"]))
    }
    events += listed.issued.map { slices(of: listed, issued: $0, pid, tid) } ?? [instant(of: listed, pid, tid)]
    return try events.map { event in
      defer { isFirst = false }
      return (isFirst ? "" : ",\n") + (try JSONLine.object(event))
    }.joined()
  }

  /// What was noticed in time: one slice as long as the stall, and the stages inside.
  private func slices(of listed: ListedNotification, issued: Double, _ pid: Int, _ tid: Int) -> [TraceEvent] {
    var events = [
      TraceEvent(
        ph: "X", pid: pid, tid: tid, name: listed.target, ts: time(issued), dur: time(listed.stall?.value ?? 0),
        args: arguments(of: listed))
    ]
    var at = issued
    let timeline = NotificationTimeline(of: listed, priced: profile)
    for stage in timeline.stages where stage.cycles.value > 0 {
      events.append(
        TraceEvent(ph: "X", pid: pid, tid: tid, name: stage.name, ts: time(at), dur: time(stage.cycles.value)))
      at += stage.cycles.value
    }
    guard let raised = listed.raised, let delivered = listed.delivered else { return events }
    for (phase, cycles) in [("b", raised.value), ("e", delivered.value)] {
      events.append(
        TraceEvent(
          ph: phase, pid: pid, tid: tid, name: "on the way to the consumer", cat: "alert", id: listed.number,
          ts: time(issued + cycles)))
    }
    return events
  }

  /// What was noticed late, by its vCPU's instructions at one cycle each: when a log is drained no model of time tells.
  private func instant(of listed: ListedNotification, _ pid: Int, _ tid: Int) -> TraceEvent {
    TraceEvent(
      ph: "i", pid: pid, tid: tid, name: "\(listed.target), noticed late",
      ts: time(Double(listed.instructions + (listed.lateInstructions ?? 0))), s: "t", args: arguments(of: listed))
  }

  private func arguments(of listed: ListedNotification) -> [String: String] {
    [
      "number": String(listed.number), "store": String(listed.store), "instructions": String(listed.instructions),
      "address": hex(listed.address.rawValue), "region": listed.region ?? listed.kind, "mark": listed.mark ?? "",
      "actions": listed.actions.joined(separator: " "),
    ]
  }

  /// Cycles as microseconds of the nominal clock, to a thousandth.
  private func time(_ cycles: Double) -> Double {
    rounded(cycles / max(profile.processor.frequencyMHz.value, 1), parts: 1000)
  }
}
