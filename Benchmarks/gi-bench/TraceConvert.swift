import ArgumentParser
import Foundation
import Replay
import Report
import Recordings

/// `gi-bench trace convert`: from the recorder and from other tools' texts to a trace, and from a trace to other formats.
struct TraceConvert: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert", abstract: "Import other formats as a trace, export a trace to other formats.",
    discussion: """
      --from recorder reads the raw stream of the recorder, and needs --description, or --ram for a guest of which nothing \
      else is known. The other imports are texts, packed \
      by gzip or zstd or not; --from auto says what it takes one for. Those of virtual addresses get frames in the order \
      of first touch, and their header says so. Each store that a text gives no size counts as one byte. Without --from \
      the input is a trace, and --to says what it becomes.

      EXAMPLES:
        gi-bench trace convert kvm.txt.gz --from auto --ram 4G --output kvm.trace
        gi-bench trace convert traces/quick.trace --to csv --output quick.csv

      Which tool's log is recorded and read how: "I have a log" in Sources/Recordings/Recordings.docc/ImportingLogs.md.
      """)

  @Argument(help: "The file to convert; - is the standard input.")
  var input: String

  @Option(help: "What the input is: \(Source.names). Default: a trace.")
  var from: Source?

  @Option(help: "What a trace becomes: csv, jsonl, perfetto (JSON for the Perfetto viewer), or trace.")
  var to = Target.trace

  @Option(help: "The JSON description of the recording, as the recorder writes it.")
  var description: String?

  @Option(help: "Also write the description to this file, for --description.")
  var saveDescription: String?

  @Option(name: .shortAndLong, help: "The file to write; - is the standard output.")
  var output: String

  @Option(
    help: """
      Optional columns to keep, separated by commas: steps, linear-pages, rip, value; or none. Default: linear-pages \
      of a recording, everything known of a text or trace.
      """)
  var columns: String?

  @Option(help: "The zstd level, 1 to 22. Default: 19, which takes its time; 3 for a text.")
  var level: Int?

  @Flag(help: "Accept a truncated stream, and skip and count lines that cannot be parsed.")
  var lenient = false

  @OptionGroup(title: "Import of a text") var choice: ImportOptions

  @Flag(help: "Read the whole blocks of a truncated trace.")
  var salvage = false

  enum Source: Hashable, ExpressibleByArgument {
    case recorder
    /// A text of this format; nil for the one that its first lines look like.
    case text(TextImport.Format?)

    init?(argument: String) {
      if argument == "recorder" {
        self = .recorder
      } else if argument == "auto" {
        self = .text(nil)
      } else if let format = TextImport.Format(rawValue: argument) {
        self = .text(format)
      } else {
        return nil
      }
    }

    static var allValueStrings: [String] { ["auto", "recorder"] + TextImport.Format.allCases.map(\.rawValue) }
    static var names: String { allValueStrings.joined(separator: ", ") }
  }

  enum Target: String, ExpressibleByArgument, CaseIterable { case trace, csv, jsonl, perfetto }

  func validate() throws {
    _ = try columnSet
    if let level, !(1...22).contains(level) { throw ValidationError("level \(level) is not 1 to 22; leave it out") }
    if from == .recorder, (description == nil) == (choice.ram == nil) {
      throw ValidationError(
        "--from recorder needs --description, the file that record.sh wrote beside the stream, or else --ram, the "
          + "guest's memory; give one of them")
    }
    if from != nil, to != .trace {
      throw ValidationError("--to \(to.rawValue) exports a trace; import to a trace first")
    }
    if from == nil ? choice.isGiven : from == .recorder && choice.isOfTexts {
      throw ValidationError(
        from == .recorder
          ? "--task, --addresses and --number-frames are of imports of a text; leave them out"
          : "--ram, --task, --addresses, --number-frames, --symbols and --kernel-base are of imports; give --from"
      )
    }
  }

  private var columnSet: RecordingColumns? {
    get throws {
      guard let columns else { return nil }
      if columns == "none" { return [] }
      let optional = RecordingColumn.allCases.filter { !RecordingColumns.always.contains(RecordingColumns($0)) }
      return try columns.split(separator: ",").reduce(into: RecordingColumns()) { set, name in
        guard let column = optional.first(where: { $0.name == name }) else {
          throw ValidationError(
            "no optional column is named \(name); " + Nearest.advice(for: String(name), in: optional.map(\.name)))
        }
        set.insert(RecordingColumns(column))
      }
    }
  }

  func run() throws {
    try OutputClaims.check([output, saveDescription], inputs: [input, description, choice.symbols])
    switch from {
    case .recorder?: try convertRecording()
    case .text(let format)?: try convert(format)
    case nil: try convertTrace()
    }
  }

  private func convertRecording() throws {
    var recording =
      try description.map { path throws(RecordingError) in try RecordingDescription(path: path) }
      ?? RecordingDescription(
        title: "Recorder's stream \(input)", origin: .recorded, guest: .init(ramBytes: choice.ram?.bytes),
        recorder: .init(name: "QEMU, TCG plugin"))
    if let symbols = choice.symbols {
      recording.symbols = try SymbolFile.read(
        symbols, kernelBase: choice.kernelBase?.value, addresses: recording.addresses)
    }
    try save(recording)
    let writer = try RecordingWriter(
      path: output, description: recording, options: .init(columns: try columnSet ?? .linearPages, level: level ?? 19))
    let report = try ActivityLine.during("converting \(input)", reading: input) {
      try RecorderStream(name: input, allowsBrokenEnd: lenient).convert(
        InputStream(path: input), into: writer, ramBytes: recording.guest.ramBytes)
    }
    tell(report.summary, ", \(report.deviceWrites) device writes left out")
  }

  private func convert(_ format: TextImport.Format?) throws {
    var options = choice.text(isLenient: lenient)
    do {
      try convert(format, options)
    } catch let error as RecordingError where error.kind == .beyondRuns && InputFile.isRegular(input) {
      StandardError.write("\(input): guest-physical addresses beyond 64 GiB, so frames are numbered by first touch\n")
      options.numbersFrames = true
      try convert(format, options)
    }
  }

  private func convert(_ format: TextImport.Format?, _ options: TextImport.Options) throws {
    let text = try TextImport(format, InputStream(path: input), options: options)
    if format == nil { StandardError.write("\(Terminal.printable(input)): taken for \(text.format.rawValue)\n") }
    var described =
      try description.map { path throws(RecordingError) in try RecordingDescription(path: path) }
      ?? text.description(title: "\(text.format.rawValue) import of \(input)")
    if let symbols = choice.symbols {
      described.symbols = try SymbolFile.read(
        symbols, kernelBase: choice.kernelBase?.value, addresses: described.addresses)
    }
    let writer = try RecordingWriter(
      path: output, description: described, options: .init(columns: try columnSet ?? text.columns, level: level ?? 3))
    let report = try ActivityLine.during("converting \(input)", reading: input) { try text.convert(into: writer) }
    try save(report.summary.header.recording)
    tell(report.summary, report.skipped == 0 ? "" : ", \(report.skipped) of \(report.lines) lines left out")
    if let first = report.firstSkipped { StandardError.say("the first: \(first.description)") }
    for caution in report.summary.header.recording.cautions { StandardError.say("note: \(caution)") }
  }

  private func convertTrace() throws {
    let reader = try RecordingReader(path: input, salvage: salvage)
    reader.tellSalvaged(of: input)
    try save(reader.header.recording)
    try ActivityLine.during("converting \(input)", reading: input) { try convert(reader) }
  }

  private func convert(_ reader: RecordingReader) throws {
    switch to {
    case .csv: try CSVExport.write(reader, to: output)
    case .jsonl: try JSONLinesExport.write(reader, to: output)
    case .perfetto: try PerfettoExport.write(reader, to: output)
    case .trace:
      let kept = (try columnSet ?? reader.header.columnSet).intersection(reader.header.columnSet)
      let writer = try RecordingWriter(
        path: output, description: reader.header.recording, options: .init(columns: kept, level: level ?? 19))
      if reader.isSalvaged || !reader.header.complete { writer.markIncomplete() }
      try reader.forEachRecord { record in
        try writer.append(record)
        return true
      }
      tell(try writer.finish(), "")
    }
  }

  private func save(_ description: RecordingDescription) throws {
    guard let saveDescription else { return }
    try OutputFile(saveDescription).write(JSONExporter.encode(description))
  }

  private func tell(_ summary: RecordingWriter.Summary, _ more: String) {
    StandardError.say(
      "\(output): \(summary.header.totals.writes) writes in \(summary.bytes) bytes\(more), digest \(summary.digest)")
  }
}
