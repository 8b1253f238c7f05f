/// Reads a text of another tool, line by line, and writes it as a trace.
public final class TextImport {
  /// The texts that can be read.
  public enum Format: String, CaseIterable, Sendable {
    /// Our own comma-separated values (`CSVLines`).
    case csv
    /// `valgrind --tool=lackey --trace-mem=yes`.
    case lackey
    /// QEMU's execlog plugin in system emulation, which logs physical addresses.
    case execlog
    /// QEMU's execlog plugin in user emulation, which logs virtual addresses.
    case execlogUser = "execlog-user"
    /// ftrace text with KVM's `kvm_page_fault` events.
    case kvmPageFault = "kvm-page-fault"
    /// The view tool of DynamoRIO's drmemtrace.
    case drmemtrace
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

  /// The optional columns that the text can fill.
  public let columns: RecordingColumns
  private let format: Format
  private let lines: LineReader
  private var parser: any LineParser

  /// Opens a text; of comma-separated values it reads the line of names.
  public init(_ format: Format, _ input: InputStream) throws(RecordingError) {
    self.format = format
    lines = LineReader(input)
    switch format {
    case .csv: parser = try CSVLines(header: lines.next(), of: lines)
    case .lackey: parser = LackeyLines()
    case .execlog: parser = ExecLogLines(isPhysical: true)
    case .execlogUser: parser = ExecLogLines(isPhysical: false)
    case .kvmPageFault: parser = PageFaultLines()
    case .drmemtrace: parser = DrMemTraceLines()
    }
    columns = parser.columns
  }

  /// What the trace says of itself if nobody describes it better.
  public func description(title: String) -> RecordingDescription {
    var description = RecordingDescription(
      title: title, origin: .imported, addresses: parser.addresses, recorder: .init(name: parser.tool))
    description.notes = parser.notes
    return description
  }

  /// Reads to the end, and finishes the trace; lenient, it leaves out lines it does not understand, and counts them.
  public func convert(into writer: RecordingWriter, isLenient: Bool = false) throws(RecordingError) -> Report {
    var skipped = 0
    var first: RecordingError?
    while let line = try lines.next() {
      do throws(WriterFlaw) {
        try parser.parse(line, into: writer)
      } catch {
        guard case .record(let flaw) = error else { throw error.error(in: lines.name, record: "line \(lines.number)") }
        let failure = self.failure(flaw, line)
        guard isLenient else { throw failure }
        if skipped == 0 { first = failure }
        skipped += 1
      }
    }
    return Report(summary: try writer.finish(), lines: lines.number, skipped: skipped, firstSkipped: first)
  }

  private func failure(_ flaw: Flaw, _ line: UnsafeRawBufferPointer) -> RecordingError {
    let text = String(decoding: line.prefix(80), as: UTF8.self) + (line.count > 80 ? "…" : "")
    return RecordingError(
      .input, file: lines.name, line: lines.number, found: "\(flaw.found) in \"\(text)\"", expected: flaw.expected,
      remedy: "correct the line, or leave such lines out with --lenient")
  }
}

/// Understands the lines of one format.
protocol LineParser {
  /// The tool that wrote the text.
  var tool: String { get }
  /// What its addresses are.
  var addresses: RecordingDescription.AddressSpace { get }
  /// The optional columns it can fill.
  var columns: RecordingColumns { get }
  /// What a reader of the trace must know.
  var notes: [String] { get }
  /// Writes what a line says; throws what is wrong with it.
  mutating func parse(_ line: UnsafeRawBufferPointer, into writer: RecordingWriter) throws(WriterFlaw)
}

extension WriterFlaw {
  /// A line that is not what it should be.
  static func line(_ found: String, _ expected: String) -> WriterFlaw {
    .record(Flaw(found: found, expected: expected))
  }
}
