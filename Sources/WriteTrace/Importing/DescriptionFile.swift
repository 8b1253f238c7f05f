import Foundation

extension TraceDescription {
  /// Reads the description that a recorder wrote beside its stream; `-` is standard input.
  public init(path: String) throws(TraceError) {
    let input = try InputStream(path: path)
    var bytes = [UInt8](repeating: 0, count: TraceFormat.maximumHeaderBytes + 1)
    let count = try bytes.withUnsafeMutableBufferPointer { target throws(TraceError) in
      try input.fill(UnsafeMutableRawBufferPointer(target))
    }
    func failure(_ found: String) -> TraceError {
      TraceError(
        .input, file: input.name, found: found, expected: "the JSON description of a recording",
        remedy: "see `TraceDescription` for its fields")
    }
    if count > TraceFormat.maximumHeaderBytes { throw failure("more than \(TraceFormat.maximumHeaderBytes) bytes") }
    do {
      self = try JSONDecoder().decode(TraceDescription.self, from: Data(bytes[..<count]))
    } catch {
      throw failure(describe(error))
    }
  }
}
