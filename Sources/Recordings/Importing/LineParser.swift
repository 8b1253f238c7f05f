/// Understands the lines of one format.
protocol LineParser {
  /// The tool that wrote the text.
  var tool: String { get }
  /// What its addresses are; nil where it does not tell.
  var addresses: RecordingDescription.AddressSpace { get }
  /// The optional columns it can fill.
  var columns: RecordingColumns { get }
  /// What a reader of the trace must know, besides what `log` says.
  var notes: [String] { get }
  /// What the log is, as far as its format tells.
  var log: RecordedLog { get }
  /// How a record looks, for messages.
  var record: String { get }
  /// Guest-physical addresses that are devices wherever this format comes from.
  var deviceWindows: [ClosedRange<UInt64>] { get }
  /// The first guest-physical address for which frames are numbered: where pages stay as they are, a replay has a table of all up
  /// to the highest.
  var physicalLimit: UInt64 { get }
  /// The description that the log itself holds.
  var recording: RecordingDescription? { get }
  /// What there was instead of any record, and what to do; nil if nothing is known of it.
  var absence: (found: String, remedy: String)? { get }
  /// Writes what a line says; throws what is wrong with it.
  mutating func parse(_ line: UnsafeRawBufferPointer, into sink: inout ImportSink) throws(WriterFlaw)
  /// Tells what is known at the end only.
  func finish(_ sink: inout ImportSink)
}

extension LineParser {
  var notes: [String] { [] }
  var deviceWindows: [ClosedRange<UInt64>] { [] }
  var physicalLimit: UInt64 { 1 << 36 }
  var recording: RecordingDescription? { nil }
  var absence: (found: String, remedy: String)? { nil }
  func finish(_ sink: inout ImportSink) {}
}

extension WriterFlaw {
  /// A line that is not what it should be.
  static func line(_ found: String, _ expected: String) -> WriterFlaw {
    .record(Flaw(found: found, expected: expected))
  }
}
