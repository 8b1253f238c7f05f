import Addresses
import ArgumentParser
import Recordings
import Replay
import Report

/// `gi-bench trace view`: the records of a trace as text, one a line, in the order of execution.
struct TraceView: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "view", abstract: "Print records as text: vCPU, instruction count, what, where.",
    discussion: """
      A write's count is that of its run's first write; its address is linear where the trace is of virtual addresses. Lines: `VCPU COUNT write GPA SIZE`, `… hypercall NUMBER RDI RSI \
      RDX R10 RIP CPL`, `… cr3 VALUE`, `… map LINEAR SHIFT ENTRY [below PML4E PDPTE PDE]`, `… mark \
      ID NAME`.
      """)

  @Argument(help: "The trace; - is the standard input.")
  var trace: String

  @Option(help: "Begin at the first mark of this name.")
  var fromMark: String?

  @Flag(help: "Print events only, no writes.")
  var events = false

  @Option(help: "End after this many lines. Default: the end.")
  var limit: UInt64?

  func run() throws {
    let reader = try RecordingReader(path: trace)
    let marks = reader.header.recording.marks
    let names = Dictionary(marks.map { ($0.id, $0.name) }, uniquingKeysWith: { first, _ in first })
    var awaited: UInt64?
    if let fromMark {
      guard let mark = marks.first(where: { $0.name == fromMark }) else {
        throw Failure(
          "\(trace): no mark is named \(fromMark); " + Nearest.advice(for: fromMark, in: marks.map(\.name)))
      }
      awaited = mark.id
    }
    var lines = LineOutput(limit: limit ?? .max)
    let block = RecordingBlock()
    var columns: RecordingColumns = events ? [.runs, .events] : [.runs, .events, .clocks, .places]
    // Frames that the import numbered say nothing; the pages behind them do.
    if reader.header.recording.addresses == .virtual {
      columns.formUnion(reader.header.columnSet.intersection(.linearPages))
    }
    for number in reader.blocks.indices where !lines.isFull {
      try reader.read(block: number, columns: columns, into: block)
      var next = 0
      for placed in block.events {
        if !events, awaited == nil { try writes(next..<placed.run, of: block, to: &lines) }
        next = placed.run
        if case .mark(let mark) = placed.event, mark.id == awaited { awaited = nil }
        if awaited == nil { try lines.put("\(placed.event.vcpu) \(placed.event.count) \(text(placed.event, names))") }
      }
      if !events, awaited == nil { try writes(next..<block.runs.count, of: block, to: &lines) }
    }
    try lines.flush()
    if let fromMark, awaited != nil {
      throw Failure("\(trace): the mark \(fromMark) is named in the header but never occurs")
    }
  }

  private func writes(_ runs: Range<Int>, of block: RecordingBlock, to lines: inout LineOutput) throws {
    for run in runs where !lines.isFull {
      let accesses = try block.accesses(ofRun: run)
      let what = block.runs[run].isContinuation ? "continued" : "write"
      for access in accesses.indices {
        let page = block.linearPages.isEmpty ? accesses.address(access).rawValue >> 12 : block.linearPages[run]
        let address = hex(page << 12 | UInt64(accesses[access].offset))
        try lines.put("\(block.runs[run].vcpu) \(block.clocks[run]) \(what) \(address) \(accesses[access].size)")
      }
    }
  }

  private func text(_ event: RecordedEvent, _ names: [UInt64: String]) -> String {
    switch event {
    case .hypercall(let call):
      let arguments = [call.arguments.rdi, call.arguments.rsi, call.arguments.rdx, call.arguments.r10]
      return
        "hypercall \(hex(call.number)) \(arguments.map(hex).joined(separator: " ")) \(hex(call.rip.rawValue)) \(call.cpl)"
    case .cr3(let load): return "cr3 \(hex(load.value))"
    case .map(let map):
      let tables = map.tables.map { " below \(hex($0.pml4e)) \(hex($0.pdpte)) \(hex($0.pde))" } ?? ""
      return "map \(hex(map.linear.rawValue)) \(map.pageShift) \(hex(map.entry))\(tables)"
    case .halt: return "halt"
    case .control(let change): return "\(change.register) \(hex(change.value))"
    case .mark(let mark): return Terminal.printable("mark \(mark.id) \(names[mark.id] ?? "")")
    }
  }
}

/// Lines to the standard output, in large pieces, up to a limit.
private struct LineOutput {
  private var left: UInt64
  private var pending = ""

  init(limit: UInt64) { left = limit }

  var isFull: Bool { left == 0 }

  mutating func put(_ line: String) throws {
    guard left > 0 else { return }
    left -= 1
    pending += line + "\n"
    if pending.utf8.count > 1 << 16 { try flush() }
  }

  mutating func flush() throws {
    try OutputFile.writeStandardOutput(pending)
    pending = ""
  }
}
