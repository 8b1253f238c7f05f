import Addresses

/// Reads a text of another tool, line by line, and writes it as a trace.
public final class TextImport {
  /// The texts that can be read.
  public enum Format: String, CaseIterable, Sendable {
    /// Our own comma-separated values (`CSVLines`).
    case csv
    /// Our own lines of JSON (`JSONLines`).
    case jsonl
    /// Text of ftrace, trace-cmd or perf with KVM's `kvm_page_fault` events, or `kvm_exit` with an address.
    case kvmPageFault = "kvm-page-fault"
    /// QEMU's execlog plugin in system emulation, which logs physical addresses.
    case execlog
    /// QEMU's execlog plugin in user emulation, which logs virtual addresses.
    case execlogUser = "execlog-user"
    /// `valgrind --tool=lackey --trace-mem=yes`.
    case lackey
    /// The view tool of DynamoRIO's drmemtrace.
    case drmemtrace
    /// Pin's `pinatrace.out`.
    case pin
    /// `address[,size]`, a store a line.
    case addresses
    /// Traces for DRAMSim and Ramulator: `ADDRESS COMMAND [CYCLE]`.
    case dramsim
    /// Dinero's `LABEL ADDRESS [SIZE]`.
    case dinero
  }

  /// What was read.
  public struct Report: Sendable {
    /// The finished trace.
    public var summary: RecordingWriter.Summary
    /// Lines in the text.
    public var lines: Int
    /// Lines that could not be understood and were left out, as asked.
    public var skipped: Int
    /// The first of those, as an error; nil if there are none.
    public var firstSkipped: RecordingError?
  }

  /// What the text is taken for.
  public let format: Format
  /// The optional columns that the trace gets.
  public let columns: RecordingColumns
  private let lines: LineReader
  private var options: Options
  @exclusivity(unchecked) private var parser: any LineParser
  /// What the first lines look like.
  private let likeness: Format?

  /// Opens a text, packed or not; without a format, the first lines tell it. Of comma-separated values and JSON it reads the
  /// first line.
  public init(_ format: Format?, _ input: InputStream, options: Options = Options()) throws(RecordingError) {
    lines = try LineReader(input)
    self.options = options
    likeness = FormatGuess.format(of: lines.ahead)
    guard let chosen = format ?? likeness else {
      throw RecordingError(
        .input, file: lines.name,
        found: FormatGuess.firstLine(of: lines.ahead).map { "\"\($0)\", which looks like no log that is known" }
          ?? "no line",
        expected: "the text of \(Format.allCases.map(\.rawValue).joined(separator: ", "))",
        remedy: "name the format with --from, or write the log as --from jsonl")
    }
    self.format = chosen
    switch chosen {
    case .csv: parser = try CSVLines(of: lines)
    case .jsonl: parser = try JSONLines(of: lines, tasks: options.tasks)
    case .kvmPageFault: parser = PageFaultLines(tasks: options.tasks)
    case .execlog: parser = ExecLogLines(isPhysical: true)
    case .execlogUser: parser = ExecLogLines(isPhysical: false)
    case .lackey: parser = LackeyLines()
    case .drmemtrace: parser = DrMemTraceLines(tasks: options.tasks)
    case .pin: parser = PinLines()
    case .addresses: parser = AddressLines(options.addresses ?? .guestPhysical)
    case .dramsim: parser = MemoryControllerLines(options.addresses ?? .guestPhysical)
    case .dinero: parser = DineroLines(options.addresses ?? .guestPhysical)
    }
    if options.addresses != nil, !([.addresses, .dramsim, .dinero] as Set).contains(chosen) {
      throw RecordingError(
        .input, file: lines.name, found: "a log of \(parser.tool), which tells what its addresses are",
        expected: "a list of addresses, for --addresses", remedy: "leave --addresses out")
    }
    if !options.tasks.isEmpty, !([.kvmPageFault, .drmemtrace, .jsonl] as Set).contains(chosen) {
      throw RecordingError(
        .input, file: lines.name, found: "a log of \(parser.tool), whose lines do not say whose store they are",
        expected: "a log that names tasks, for --task",
        remedy: "leave --task out, or record each process to a file of its own")
    }
    // These frames are numbered as it is.
    if parser.addresses == .virtual { self.options.numbersFrames = false }
    columns = parser.columns.union(
      parser.addresses == .virtual || self.options.numbersFrames ? .linearPages : [])
  }

  /// What the trace says of itself if nobody describes it better.
  public func description(title: String) -> RecordingDescription {
    if let recording = parser.recording { return recording }
    var description = RecordingDescription(
      title: title, origin: .imported, addresses: parser.addresses, recorder: .init(name: parser.tool))
    description.notes = parser.notes
    description.log = parser.log
    return description
  }

  /// Reads to the end, and finishes the trace. What the header says of the log is known at the end only, so the writer's
  /// description is made whole here.
  public func convert(into writer: RecordingWriter) throws(RecordingError) -> Report {
    var sink = ImportSink(
      writer, options: options, log: writer.description.log, physicalLimit: parser.physicalLimit,
      deviceWindows: parser.deviceWindows)
    var skipped = 0
    var first: RecordingError?
    while let line = try lines.next() {
      do throws(WriterFlaw) {
        try parser.parse(line, into: &sink)
      } catch {
        let failure = self.failure(error, line, isFirstRecord: sink.records == 0)
        guard case .record = error, options.isLenient else { throw failure }
        if skipped == 0 { first = failure }
        skipped += 1
      }
    }
    parser.finish(&sink)
    try demandRecords(sink, skipped)
    describe(writer, sink, skipped)
    return Report(summary: try writer.finish(), lines: lines.number, skipped: skipped, firstSkipped: first)
  }

  private func describe(_ writer: RecordingWriter, _ sink: ImportSink, _ skipped: Int) {
    var description = writer.description
    var log = sink.finished()
    if skipped > 0 { log.skippedLines = UInt64(skipped) }
    if description.addresses == .guestPhysical, options.numbersFrames {
      description.addresses = .virtual
      log.truePages = .guestPhysical
    }
    if log != RecordedLog() { description.log = log }
    if description.guest.ramBytes == nil { description.guest.ramBytes = options.ramBytes }
    let known = Set(description.marks.map(\.id))
    description.marks += sink.marks.filter { !known.contains($0.id) }
    writer.description = description
  }

  /// Refuses a text of which nothing was understood, or that holds no store.
  private func demandRecords(_ sink: ImportSink, _ skipped: Int) throws(RecordingError) {
    let isOurs = format == .csv || format == .jsonl
    let (found, remedy): (String, String)
    if let absence = parser.absence, sink.stores == 0 {
      (found, remedy) = absence
    } else if sink.records == 0 {
      if isOurs, skipped == 0 { return }
      found = "\(counted(lines.number, "line", "lines")), none of them a record"
      remedy = likenessRemedy ?? "check what the file holds"
    } else if sink.stores == 0, sink.devices > 0 {
      (found, remedy) = ("\(sink.devices) stores, all to devices or beyond RAM", "check --ram, and what was recorded")
    } else if sink.stores == 0, !isOurs {
      (found, remedy) = ("\(sink.records) records, none of them a store", "record stores as well")
    } else {
      return
    }
    throw RecordingError(
      .input, file: lines.name, found: found, expected: "a store such as \"\(parser.record)\"", remedy: remedy)
  }

  private var likenessRemedy: String? {
    guard let likeness, likeness != format else { return nil }
    return "it looks like --from \(likeness.rawValue)"
  }

  private func failure(_ flaw: WriterFlaw, _ line: UnsafeRawBufferPointer, isFirstRecord: Bool) -> RecordingError {
    guard case .record(let flaw) = flaw else {
      var error = flaw.error(in: lines.name, record: "line \(lines.number)")
      if case .log = flaw { error.line = lines.number }
      return error
    }
    let text = String(decoding: line.prefix(80), as: UTF8.self) + (line.count > 80 ? "…" : "")
    return RecordingError(
      .input, file: lines.name, line: lines.number, found: "\(flaw.found) in \"\(text)\"", expected: flaw.expected,
      remedy: isFirstRecord && likenessRemedy != nil
        ? likenessRemedy! : "correct the line, or leave such lines out with --lenient")
  }
}
