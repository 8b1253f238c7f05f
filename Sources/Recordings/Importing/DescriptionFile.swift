import Foundation

extension RecordingDescription {
  /// Reads the description that a recorder wrote beside its stream; `-` is standard input.
  public init(path: String) throws(RecordingError) {
    let input = try InputStream(path: path)
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count <= RecordingFormat.maximumHeaderBytes {
      let count = try piece.withUnsafeMutableBufferPointer { target throws(RecordingError) in
        try input.fill(UnsafeMutableRawBufferPointer(target))
      }
      bytes += piece[..<count]
      if count < piece.count { break }
    }
    func failure(_ found: String) -> RecordingError {
      RecordingError(
        .input, file: input.name, found: found, expected: "the JSON description of a recording",
        remedy: "see `RecordingDescription` for its fields")
    }
    if bytes.count > RecordingFormat.maximumHeaderBytes {
      throw failure("more than \(RecordingFormat.maximumHeaderBytes) bytes")
    }
    do {
      self = try JSONDecoder().decode(RecordingDescription.self, from: Data(bytes))
    } catch {
      throw failure(describe(error))
    }
    if let flaw = HeaderValidation.flaw(in: self) {
      throw RecordingError(
        .input, file: input.name, found: flaw.found, expected: flaw.expected, remedy: "correct the description")
    }
  }

  /// A description that stands in a line of a log.
  init(json: UnsafeRawBufferPointer, of lines: LineReader) throws(RecordingError) {
    do { self = try JSONDecoder().decode(RecordingDescription.self, from: Data(json)) } catch {
      throw RecordingError(
        .input, file: lines.name, line: lines.number, found: "\(describe(error)) in the description of the recording",
        expected: "the JSON that gi-bench writes there", remedy: "leave the line out")
    }
  }
}
