/// Why a trace, or a file to be imported, could not be used: where, what was found there, what was expected, and what to do.
public struct RecordingError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of trouble, for programs that decide by it.
  public enum Kind: Sendable {
    /// The file cannot be opened, read or written.
    case file
    /// The file is no trace, or of a version this build does not read.
    case format
    /// The file ends too early.
    case truncated
    /// A checksum or an invariant does not hold.
    case damaged
    /// A record or line of an import is wrong.
    case input
    /// A guest-physical address lies beyond what the pages of runs can name, so that frames have to be numbered.
    case beyondRuns
  }

  /// The kind of trouble.
  public var kind: Kind
  /// The file, as it was named.
  public var file: String
  /// The block, where one is concerned.
  public var block: Int?
  /// The column, where one is concerned.
  public var column: RecordingColumn?
  /// The byte of the file (of the decoded column, if a column is named and the damage lies inside it).
  public var offset: UInt64?
  /// The line of a text import, counted from 1.
  public var line: Int?
  /// What was found.
  public var found: String
  /// What was expected.
  public var expected: String
  /// What to do about it.
  public var remedy: String

  init(
    _ kind: Kind, file: String, block: Int? = nil, column: RecordingColumn? = nil, offset: UInt64? = nil,
    line: Int? = nil,
    found: String, expected: String, remedy: String
  ) {
    self.kind = kind
    self.file = file
    self.block = block
    self.column = column
    self.offset = offset
    self.line = line
    self.found = found
    self.expected = expected
    self.remedy = remedy
  }

  /// One sentence for standard error.
  public var description: String {
    var place = file
    if let line { place += ", line \(line)" }
    if let block { place += ", block \(block)" }
    if let column { place += ", column \(column.name)" }
    if let offset { place += ", byte \(offset)" }
    return "\(place): found \(found), expected \(expected); \(remedy)"
  }
}
