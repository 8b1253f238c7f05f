import Addresses
import Foundation

/// A trace that is open for reading: its header and the index of its blocks, all checked.
///
/// Opening verifies the digest of the whole file, so a trace that opens is, byte for byte, the one that was written. Blocks are
/// decoded into a `RecordingBlock`; any number of threads may do that at once, each with its own.
public final class RecordingReader: Sendable {
  /// What was recorded, and how much.
  public let header: RecordingHeader
  /// The blocks, in order.
  public let blocks: [BlockHeader]
  /// The digest of the file; nil for a salvaged one.
  public let digest: RecordingDigest?
  /// The version of the format.
  public let version: UInt32
  /// Bytes of the file.
  public let bytes: UInt64
  /// The file, as messages name it.
  public var name: String { file.name }
  /// Whether the blocks are only the whole ones in front of damage.
  public var isSalvaged: Bool { digest == nil }

  let file: RecordingFile
  private let offsets: [UInt64]

  /// Opens a trace; `-` is standard input.
  ///
  /// With `salvage`, a file that breaks off is opened nevertheless, with every whole block before its first damage. Without
  /// `symbols`, the header's table of symbols is not decoded and stays empty.
  public convenience init(path: String, salvage: Bool = false, symbols: Bool = true) throws(RecordingError) {
    let file = try RecordingFile(path: path)
    let (header, version, start) = try Self.readHeader(file, symbols: symbols)
    let index: RecordingIndex
    do throws(RecordingError) {
      index = try RecordingIndex.read(file, header: header, start: start)
    } catch {
      guard salvage else { throw error }
      index = try RecordingIndex.scan(file, header: header, start: start)
    }
    self.init(file: file, header: header, version: version, index: index)
  }

  private init(file: RecordingFile, header: RecordingHeader, version: UInt32, index: RecordingIndex) {
    self.file = file
    self.header = header
    self.version = version
    blocks = index.blocks
    offsets = index.offsets
    digest = index.digest
    bytes = file.size
  }

  /// Decodes columns of a block into the buffer; nothing of it can be used if this throws.
  ///
  /// `.runs` are always decoded. A column the trace does not have is an error.
  public func read(block: Int, columns: RecordingColumns = [.runs, .events], into buffer: RecordingBlock)
    throws(RecordingError)
  {
    precondition(blocks.indices.contains(block), "no such block")
    try buffer.start(reader: self, number: block)
    for column in columns.columns where column != .runs { try buffer.load(column) }
  }

  /// Where a column of a block lies in the file.
  func locate(_ column: RecordingColumn, of block: Int) -> (offset: UInt64, entry: BlockHeader.Entry)? {
    blocks[block].locate(column).map { (offsets[block] + UInt64($0.offset), $0.entry) }
  }

  private static func readHeader(_ file: RecordingFile, symbols: Bool) throws(RecordingError) -> (
    RecordingHeader, version: UInt32, start: UInt64
  ) {
    func failure(_ kind: RecordingError.Kind, _ offset: UInt64?, _ found: String, _ expected: String, _ remedy: String)
      -> RecordingError
    {
      RecordingError(kind, file: file.name, offset: offset, found: found, expected: expected, remedy: remedy)
    }
    guard file.size >= UInt64(RecordingFormat.prefaceBytes) else {
      throw failure(.format, nil, "\(file.size) bytes", "a trace of at least 88", "record or fetch the trace anew")
    }
    let preface = try file.bytes(at: 0, count: RecordingFormat.prefaceBytes)
    let fields = preface.withUnsafeBytes { bytes in
      (
        magic: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
        version: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self),
        count: Int(bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self)),
        sum: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self),
        jsonCount: bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
      )
    }
    guard fields.magic == RecordingFormat.magic else {
      throw failure(
        .format, 0, "\(hex(fields.magic))", "the magic of a trace",
        "give a .trace file, or import this log with `gi-bench trace convert --from auto`")
    }
    guard RecordingFormat.versions.contains(fields.version) else {
      throw failure(
        .format, 8, "format version \(fields.version)",
        "version \(RecordingFormat.versions.lowerBound) or \(RecordingFormat.versions.upperBound)",
        "use the build that wrote it to convert it")
    }
    guard fields.count <= RecordingFormat.maximumHeaderBytes, UInt64(fields.count) <= file.size - 32 else {
      throw failure(
        .truncated, 12, "a header of \(fields.count) bytes in a file of \(file.size)", "a header within the file",
        "copy or record the file anew")
    }
    let stored = try file.bytes(at: 32, count: fields.count)
    let sum = stored.withUnsafeBytes { checksum($0) }
    guard sum == fields.sum else {
      throw failure(.damaged, 32, "header checksum \(hex(sum))", hex(fields.sum), "copy or record the file anew")
    }
    guard fields.jsonCount <= UInt64(RecordingFormat.maximumHeaderBytes) else {
      throw failure(
        .format, 24, "a header of \(fields.jsonCount) bytes", "at most \(RecordingFormat.maximumHeaderBytes)",
        "copy or record the file anew")
    }
    var json = [UInt8](repeating: 0, count: Int(fields.jsonCount))
    let flaw = stored.withUnsafeBytes { source in
      json.withUnsafeMutableBytes { ZstandardDecompressor().decompress(source, into: $0) }
    }
    if let flaw { throw failure(.damaged, 32, flaw.found, flaw.expected, "copy or record the file anew") }
    let header: RecordingHeader
    let decoder = JSONDecoder()
    if !symbols { decoder.userInfo[RecordingDescription.leavesSymbolsOut] = true }
    do {
      header = try decoder.decode(RecordingHeader.self, from: Data(json))
    } catch {
      throw failure(.format, 32, "a header with \(describe(error))", "a trace header", "use the build that wrote it")
    }
    if let flaw = HeaderValidation.flaw(in: header.totals) ?? HeaderValidation.flaw(in: header.recording)
      ?? HeaderValidation.flaw(in: header, ofVersion: fields.version)
    {
      throw failure(.format, 32, flaw.found, flaw.expected, "use the build that wrote it")
    }
    return (header, fields.version, UInt64(32 + fields.count))
  }
}

/// A decoding error of Foundation in a few words.
func describe(_ error: any Error) -> String {
  switch error {
  case DecodingError.keyNotFound(let key, _): "no field \"\(key.stringValue)\""
  case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
    "a wrong type in field \"\(context.codingPath.map(\.stringValue).joined(separator: "."))\""
  case DecodingError.dataCorrupted(let context):
    context.codingPath.isEmpty
      ? "text that is not JSON"
      : "a wrong value in field \"\(context.codingPath.map(\.stringValue).joined(separator: "."))\""
  default: "\(error)"
  }
}
