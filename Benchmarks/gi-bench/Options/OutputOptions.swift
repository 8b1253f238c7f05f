import ArgumentParser
import Replay
import Report

/// Where reports go, and in which format.
struct OutputOptions: ParsableArguments {
  @Option(help: "Format of the report.")
  var format = ReportFormat.text

  @Option(
    name: .customLong("export"),
    help: ArgumentHelp("Also write a report of that format to a file; repeatable.", valueName: "format=file"))
  var exports: [String] = []

  @Option(help: ArgumentHelp("Write the report to this file; - is the standard output.", valueName: "file"))
  var output = standardOutput

  static let standardOutput = "-"

  func validate() throws { _ = try exports.map(Self.parsed) }

  /// Formats that any report comes in; the others are of results alone.
  static let documents = ReportFormat.allCases.filter { ![.github, .hgrm].contains($0) }

  /// Whether a report of that format goes anywhere.
  func shows(_ format: ReportFormat) -> Bool {
    self.format == format || exports.contains { $0.hasPrefix("\(format.rawValue)=") }
  }

  /// Proves every destination writable; `formats` are those that the report comes in; `saves` are files that get JSON, `besides` are
  /// those that the command itself writes, `inputs` must not be overwritten.
  func destinations(
    console: ConsoleOptions, saves: [String] = [], besides: [String] = [], inputs: [String],
    formats: [ReportFormat] = documents
  ) throws -> Destinations {
    var targets = try exports.map(Self.parsed) + saves.map { (.json, $0) }
    if output != Self.standardOutput || !console.quiet { targets.insert((format, output), at: 0) }
    for (format, _) in targets where !formats.contains(format) {
      throw ValidationError(
        "\(format.rawValue) is no format of this report; give one of \(formats.map(\.rawValue).joined(separator: ", "))"
      )
    }
    return try Destinations(targets, besides: besides, inputs: inputs, paints: console.paints)
  }

  private static func parsed(_ export: String) throws -> (ReportFormat, String) {
    let formats = ReportFormat.allCases.map(\.rawValue)
    guard let equals = export.firstIndex(of: "="), case let file = String(export[export.index(after: equals)...]),
      !file.isEmpty
    else { throw ValidationError("--export \(export) names no file; write it as --export json=FILE") }
    let name = String(export[..<equals])
    guard let format = ReportFormat(rawValue: name) else {
      throw ValidationError(
        "--export \(export): no format is named '\(name)'; \(Nearest.advice(for: name, in: formats))")
    }
    return (format, file)
  }
}

extension ReportFormat: ExpressibleByArgument {}

/// Every place a report goes to, proved writable before the work begins.
struct Destinations {
  private let targets: [(format: ReportFormat, file: OutputFile?)]
  /// What the command itself writes.
  private let besides: [OutputFile]
  private let paints: Bool

  init(_ wanted: [(ReportFormat, String)], besides: [String], inputs: [String], paints: Bool) throws {
    self.paints = paints
    guard (wanted.map(\.1) + besides).count(where: { $0 == OutputOptions.standardOutput }) <= 1 else {
      throw ValidationError(
        "two reports go to the standard output; give one of them a file")
    }
    var claims = OutputClaims(inputs: inputs)
    self.besides = try besides.filter { $0 != OutputOptions.standardOutput }.map { path in
      try claims.claim(path, twice: "\(path) is written twice; give another file")
    }
    targets = try wanted.map { format, path in
      guard path != OutputOptions.standardOutput else { return (format, nil) }
      return (format, try claims.claim(path, twice: "two reports go to \(path); give one of them another file"))
    }
  }

  /// Takes away what stands under every name that will be written.
  func withdraw() { for file in targets.compactMap(\.file) + besides { file.withdraw() } }

  /// Renders each format and writes it; the standard output comes last, since its reader may leave.
  func write(_ render: (_ format: ReportFormat, _ paints: Bool) throws -> String) throws {
    for (format, file) in targets { try file?.write(render(format, false)) }
    for (format, file) in targets where file == nil {
      try OutputFile.writeStandardOutput(render(format, paints))
    }
  }
}
