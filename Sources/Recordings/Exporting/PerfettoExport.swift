import Addresses
import Foundation

/// Writes a trace for the Perfetto viewer, as a JSON trace-event file ("Trace Event Format"): how many stores and pages each slice
/// of the recording has, marks and windows of integrity mode.
///
/// One store is one microsecond: the vCPUs' instruction counts have no common zero, the order of stores is common to all.
public enum PerfettoExport {
  /// Writes to `path`, `-` is standard output; counters get `slices` points.
  public static func write(_ reader: RecordingReader, to path: String, slices: UInt64 = 2000) throws {
    let output = try TextOutput(path: path)
    var export = Export(reader.header, slices: slices)
    try output.put("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n")
    try output.put(
      export.line([
        "ph": "M", "pid": 1, "tid": 0, "name": "process_name", "args": ["name": reader.header.recording.title],
      ]))
    for vcpu in 0..<reader.header.totals.vcpus {
      try output.put(
        ",\n"
          + export.line(["ph": "M", "pid": 1, "tid": vcpu + 1, "name": "thread_name", "args": ["name": "vCPU \(vcpu)"]])
      )
    }
    let block = RecordingBlock()
    for number in reader.blocks.indices {
      try reader.read(block: number, into: block)
      var next = 0
      for run in block.runs.indices {
        while next < block.events.count, block.events[next].run == run {
          for event in export.events(of: block.events[next].event) { try output.put(",\n" + event) }
          next += 1
        }
        for event in export.take(block.runs[run]) { try output.put(",\n" + event) }
      }
      for placed in block.events[next...] {
        for event in export.events(of: placed.event) { try output.put(",\n" + event) }
      }
    }
    for event in export.finish() { try output.put(",\n" + event) }
    try output.put("\n]}\n")
    try output.finish()
  }

  private struct Export {
    private let names: [UInt64: String]
    private let sliceWrites: UInt64
    private var writes: UInt64 = 0
    private var sliceStart: UInt64 = 0
    private var sliceByVCPU: [UInt64]
    private let pages = PageSet()
    private var windows: [UInt64?]

    init(_ header: RecordingHeader, slices: UInt64) {
      names = Dictionary(header.recording.marks.map { ($0.id, $0.name) }, uniquingKeysWith: { first, _ in first })
      sliceWrites = max(header.totals.writes / max(slices, 1), 1)
      sliceByVCPU = [UInt64](repeating: 0, count: header.totals.vcpus)
      windows = [UInt64?](repeating: nil, count: header.totals.vcpus)
    }

    func line(_ event: [String: Any]) -> String {
      let json = try? JSONSerialization.data(withJSONObject: event, options: [.sortedKeys, .withoutEscapingSlashes])
      return SafeText.json(String(decoding: json ?? Data("{}".utf8), as: UTF8.self))
    }

    mutating func take(_ run: Run) -> [String] {
      pages.insert(run.page.rawValue)
      sliceByVCPU[run.vcpu] += UInt64(run.writes)
      writes += UInt64(run.writes)
      return writes - sliceStart >= sliceWrites ? closeSlice() : []
    }

    private mutating func closeSlice() -> [String] {
      var byVCPU: [String: Any] = [:]
      for (vcpu, count) in sliceByVCPU.enumerated() { byVCPU["vCPU \(vcpu)"] = count }
      let events = [
        line(["ph": "C", "pid": 1, "ts": sliceStart, "name": "stores", "args": byVCPU]),
        line(["ph": "C", "pid": 1, "ts": sliceStart, "name": "pages stored to", "args": ["pages": pages.count]]),
      ]
      sliceStart = writes
      sliceByVCPU = sliceByVCPU.map { _ in 0 }
      pages.removeAll()
      return events
    }

    mutating func events(of event: RecordedEvent) -> [String] {
      switch event {
      case .mark(let mark):
        return [
          line([
            "ph": "i", "s": "g", "pid": 1, "tid": mark.vcpu + 1, "ts": writes,
            "name": names[mark.id] ?? "mark \(mark.id)", "args": ["instruction": mark.count],
          ])
        ]
      case .hypercall(let call): return events(of: call)
      case .cr3, .map, .halt, .control: return []
      }
    }

    private mutating func events(of call: RecordedEvent.Hypercall) -> [String] {
      if call.number == HypercallSequence.Number.enter {
        windows[call.vcpu] = writes
        return []
      }
      if call.number == HypercallSequence.Number.exit, let start = windows[call.vcpu] {
        windows[call.vcpu] = nil
        return [
          line([
            "ph": "X", "pid": 1, "tid": call.vcpu + 1, "ts": start, "dur": writes - start, "name": "integrity mode",
            "args": ["instruction": call.count],
          ])
        ]
      }
      return [
        line([
          "ph": "i", "s": "t", "pid": 1, "tid": call.vcpu + 1, "ts": writes,
          "name": "hypercall \(hex(call.number))",
          "args": [
            "instruction": call.count, "rdi": hex(call.arguments.rdi),
            "rsi": hex(call.arguments.rsi),
          ],
        ])
      ]
    }

    mutating func finish() -> [String] { writes > sliceStart ? closeSlice() : [] }
  }
}
