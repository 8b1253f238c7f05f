import Foundation

/// Our own lines of JSON, one flat object each, which a short script can write of any tool's events:
///
/// ```
/// {"log": 1, "tool": "drakvuf", "addresses": "guest-physical", "coverage": "faults", "time": "nanoseconds"}
/// {"gpa": "0x3ce2010", "size": 8, "vcpu": 0, "time": 120000, "rip": "0xffffffff81e4a060"}
/// {"mark": "exploit starts", "time": 130000}
/// {"lost": 17}
/// ```
///
/// The first line is optional, like every field but one address. What a field means stands in "I have a log", in this room's
/// documentation.
struct JSONLines: LineParser {
  let tool: String
  let addresses: RecordingDescription.AddressSpace
  let columns: RecordingColumns
  let log: RecordedLog
  let record = "{\"gpa\": \"0x1000\", \"size\": 8}"
  let recording: RecordingDescription?
  /// What was exported comes back as it was.
  var physicalLimit: UInt64 { recording == nil ? 1 << 36 : 1 << 44 }

  private let hasLinear: Bool
  private var counts = [UInt64](repeating: 0, count: RecordingFormat.maximumVCPUs)
  private var tasks: LogTasks
  private var namesTasks = false
  private var lacksSizes = false

  /// What the first line may say of the whole.
  private struct Header: Decodable {
    var log: Int
    var tool: String?
    var addresses: String?
    var coverage: String?
    var time: String?
    var lost: UInt64?
    var columns: [String]?
    var recording: RecordingDescription?
  }

  /// Reads the first line if it says something of the whole, and looks at the one that follows.
  init(of lines: LineReader, tasks: Set<UInt64>) throws(RecordingError) {
    let header = try Self.header(of: lines)
    self.tasks = LogTasks(chosen: tasks)
    recording = header?.recording
    tool = header?.tool ?? "JSON lines"
    let first = Self.firstStore(of: lines.ahead)
    let named = try Self.choice(
      header?.addresses, "addresses", RecordingDescription.AddressSpace.self, [.guestPhysical, .virtual], lines)
    addresses =
      recording?.addresses ?? named
      ?? (first.map { $0.gpa == nil && $0.gva != nil } == true ? .virtual : .guestPhysical)
    var log = RecordedLog(
      coverage: try Self.choice(
        header?.coverage, "coverage", RecordedLog.Coverage.self, [.everyStore, .faults, .writeBacks], lines),
      time: try Self.choice(
        header?.time, "time", RecordedLog.Time.self, [.instructions, .nanoseconds, .cycles, .records], lines))
    log.lostEvents = header?.lost
    if first?.count == nil, log.time == nil { log.time = .records }
    self.log = log
    if let names = header?.columns {
      columns = RecordingColumn.allCases.reduce(into: []) { if names.contains($1.name) { $0.insert(.init($1)) } }
      hasLinear = columns.contains(.linearPages)
    } else {
      hasLinear = first?.gva != nil
      columns = RecordingColumns.steps.union(hasLinear ? .linearPages : []).union(Self.accesses(in: lines.ahead))
        .union(first?.rip ?? 0 != 0 ? .instructionPointers : []).union(first?.value != nil ? .values : [])
    }
  }

  private static func header(of lines: LineReader) throws(RecordingError) -> Header? {
    var ahead = TextScanner(lines.ahead)
    let first = ahead.field(upTo: 0x0a)
    var scanner = TextScanner(first)
    guard scanner.find("\"log\"") else { return nil }
    _ = try lines.next()
    do {
      let header = try JSONDecoder().decode(Header.self, from: Data(first))
      guard header.log == 1 else {
        throw failure("log version \(header.log)", "1", lines)
      }
      return header
    } catch let error as RecordingError {
      throw error
    } catch {
      throw failure(describe(error), "{\"log\": 1, ...}, a line about the whole log", lines)
    }
  }

  private static func choice<Choice: RawRepresentable<String>>(
    _ text: String?, _ field: String, _ type: Choice.Type, _ choices: [Choice], _ lines: LineReader
  ) throws(RecordingError) -> Choice? {
    guard let text else { return nil }
    guard let choice = Choice(rawValue: text) else {
      throw failure(
        "\"\(field)\": \"\(text.prefix(40))\"", choices.map { "\"\($0.rawValue)\"" }.joined(separator: " or "), lines)
    }
    return choice
  }

  private static func failure(_ found: String, _ expected: String, _ lines: LineReader) -> RecordingError {
    RecordingError(
      .input, file: lines.name, line: 1, found: found, expected: expected, remedy: "correct the line, or leave it out")
  }

  /// The columns of the loads and fetches among the lines ahead.
  private static func accesses(in text: UnsafeRawBufferPointer) -> RecordingColumns {
    let lines = String(decoding: text, as: UTF8.self)
    return RecordedAccesses.Kind.allCases.reduce(into: []) { columns, kind in
      if lines.contains("\"\(kind.rawValue)\"") { columns.formUnion(kind.column) }
    }
  }

  /// The first store among the lines ahead: what it has, all have.
  private static func firstStore(of text: UnsafeRawBufferPointer) -> JSONEvent? {
    var rest = TextScanner(text)
    for _ in 0..<1000 where !rest.isAtEnd {
      let line = rest.field(upTo: 0x0a)
      _ = rest.take(0x0a)
      guard let event = try? JSONEvent(line), event.gpa != nil || event.gva != nil else { continue }
      if event.kind.map({ JSONEvent.isWrite($0) }) ?? true { return event }
    }
    return nil
  }

  mutating func parse(_ line: UnsafeRawBufferPointer, into sink: inout ImportSink) throws(WriterFlaw) {
    if line.isEmpty { return }
    let event = try JSONEvent(line)
    if let lost = event.lost {
      sink.understood()
      return sink.lost(lost == 0 ? nil : lost)
    }
    guard event.vcpu < UInt64(RecordingFormat.maximumVCPUs) else {
      throw .line("vCPU \(event.vcpu)", "0 to \(RecordingFormat.maximumVCPUs - 1)")
    }
    var vcpu = Int(event.vcpu)
    if let number = event.task {
      let name = UnsafeRawBufferPointer(start: nil, count: 0)
      let task = LogTasks.Name(task: number, process: event.process, name: event.name ?? name)
      guard tasks.isChosen(task) else { return sink.leaveOutOtherTask() }
      vcpu = try tasks.vcpu(of: task, named: vcpu)
      namesTasks = true
    }
    let count = event.count ?? counts[vcpu] &+ 1
    counts[vcpu] = max(count, counts[vcpu])
    if let mark = event.mark {
      return try sink.mark(JSONEvent.unescaped(mark), vcpu: vcpu, count: count, rip: event.rip)
    }
    if let kind = event.kind, let accesses = try event.accesses(kind: kind, vcpu: vcpu, count: count) {
      return try sink.accesses(accesses)
    }
    if let kind = event.kind, !JSONEvent.isWrite(kind) {
      return try sink.event(try event.event(kind: kind, vcpu: vcpu, count: count))
    }
    try store(event, vcpu, count, &sink)
    if event.task != nil { tasks.stored() }
  }

  private mutating func store(_ event: JSONEvent, _ vcpu: Int, _ count: UInt64, _ sink: inout ImportSink)
    throws(WriterFlaw)
  {
    if !event.hasSize { lacksSizes = true }
    if let gpa = event.gpa {
      if hasLinear, event.gva == nil { throw .line("no \"gva\"", "one in every store, as in the first") }
      try sink.physical(
        gpa, event.size, vcpu: vcpu, count: count, gva: event.gva, rip: event.rip, value: event.value, rest: event.rest)
    } else if let gva = event.gva, addresses == .virtual {
      try sink.linear(gva, event.size, vcpu: vcpu, count: count, rip: event.rip, value: event.value)
    } else {
      throw .line("no address", addresses == .virtual ? "\"gva\"" : "\"gpa\"")
    }
  }

  var absence: (found: String, remedy: String)? {
    let others = tasks.othersText
    return others.isEmpty ? nil : ("only stores of \(others)", "choose one of them with --task")
  }

  func finish(_ sink: inout ImportSink) {
    if namesTasks { sink.log.tasks = tasks.list }
    if lacksSizes { sink.log.hasSizes = false } else if recording == nil, sink.stores > 0 { sink.log.hasSizes = true }
  }
}
