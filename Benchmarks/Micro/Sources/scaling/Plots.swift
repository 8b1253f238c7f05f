import MonitorTree
import Replay

extension Plot {
  /// The plots of the study, each with marks where something known happens; `treeBytes` is what a tree takes a range.
  static func all(of study: Study, treeBytes: Double) -> [Plot] {
    let leaf = NodeLayout.entriesPerBlock * NodeLayout.blocksPerLeaf
    let heights = [3, 4].map { levels in
      let ranges = (2..<levels).reduce(leaf) { full, _ in full * NodeLayout.children }
      return Mark(x: Double(ranges), label: "\(levels) levels")
    }
    let caches = HostProcessor.caches.map { Mark(x: Double($0.bytes) / treeBytes, label: "tree > L\($0.level)") }
    let modelled = study.figures.last { $0.quantity == "modelled_caches_bytes" }?.value ?? 1
    // One strategy and the guest unmonitored have caches of their own.
    let models = HostProcessor.caches.map { Mark(x: Double($0.bytes) / (2 * modelled), label: "models > L\($0.level)") }
    return [
      Plot(
        name: "latency", title: "One load of a random line: processor time", xTitle: "bytes", yTitle: "ns a load",
        curves: study.curves("bytes", "load_ns"),
        marks: HostProcessor.caches.map { Mark(x: Double($0.bytes), label: "L\($0.level)") }),
      Plot(
        name: "look-ups", title: "Look-up of a page, processor time", xTitle: "protected ranges",
        yTitle: "ns a look-up",
        curves: study.curves("ranges", "look_up_ns"), marks: heights + caches),
      Plot(
        name: "changes", title: "One change, from the request to the published tree", xTitle: "protected ranges",
        yTitle: "µs a change", curves: study.curves("ranges", "publish_us"), marks: heights + caches),
      Plot(
        name: "writes", title: "Replay, one strategy and unmonitored, file to result: processor time",
        xTitle: "writes of the recording", yTitle: "ns a write", curves: study.curves("writes", "replay_ns_a_write")),
      Plot(
        name: "memory", title: "Replay, memory resident at most", xTitle: "writes of the recording", yTitle: "MiB",
        curves: study.curves("writes", "replay_peak_MiB")),
      Plot(
        name: "vcpus", title: "Replay against vCPUs: processor time of one thread", xTitle: "vCPUs",
        yTitle: "ns a write", curves: study.curves("vcpus", "replay_ns_a_write"), marks: models),
      Plot(
        name: "threads", title: "Replay on one host thread and on two: wall clock, least of two to five",
        xTitle: "vCPUs",
        yTitle: "ns a write",
        curves: study.curves("vcpus", "wall_ns_a_write_1_thread") { "\($0), 1 thread" }
          + study.curves("vcpus", "wall_ns_a_write_2_threads") { "\($0), 2 threads" }),
      Plot(
        name: "strategies", title: "Replay of several strategies over that of one: processor time",
        xTitle: "strategies",
        yTitle: "times one strategy",
        curves: study.curves("strategies", "times_one_strategy") + [
          Curve(label: "if nothing were shared", points: [1, 2, 4, 8].map { Point(x: $0, y: $0) })
        ]),
    ]
  }
}
