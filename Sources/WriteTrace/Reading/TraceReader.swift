import Foundation

/// A trace that is open for reading: its header and the index of its blocks, all checked.
///
/// Opening verifies the digest of the whole file, so a trace that opens is, byte for byte, the one that was written. Blocks are
/// decoded into a `TraceBlock`; any number of threads may do that at once, each with its own.
public final class TraceReader: Sendable {
  /// What was recorded, and how much.
  public let header: TraceHeader
  /// The blocks, in order.
  public let blocks: [BlockHeader]
  /// The digest of the file; nil for a salvaged one.
  public let digest: TraceDigest?
  /// Bytes of the file.
  public let bytes: UInt64
  /// The file, as messages name it.
  public var name: String { file.name }
  /// Whether the blocks are only the whole ones in front of damage.
  public var isSalvaged: Bool { digest == nil }

  let file: TraceFile
  private let offsets: [UInt64]

  /// Opens a trace; `-` is standard input.
  ///
  /// With `salvage`, a file that breaks off is opened nevertheless, with every whole block before its first damage. Without
  /// `symbols`, the header's table of symbols is not decoded and stays empty.
  public convenience init(path: String, salvage: Bool = false, symbols: Bool = true) throws(TraceError) {
    let file = try TraceFile(path: path)
    let (header, start) = try Self.readHeader(file, symbols: symbols)
    do throws(TraceError) {
      try self.init(file: file, header: header, index: TraceIndex.read(file, header: header, start: start))
    } catch {
      guard salvage else { throw error }
      try self.init(file: file, header: header, index: TraceIndex.scan(file, header: header, start: start))
    }
  }

  private init(file: TraceFile, header: TraceHeader, index: TraceIndex) throws(TraceError) {
    self.file = file
    self.header = header
    blocks = index.blocks
    offsets = index.offsets
    digest = index.digest
    bytes = file.size
  }

  /// Decodes columns of a block into the buffer; nothing of it can be used if this throws.
  ///
  /// `.runs` are always decoded. A column the trace does not have is an error.
  public func read(block: Int, columns: TraceColumns = [.runs, .events], into buffer: TraceBlock) throws(TraceError) {
    precondition(blocks.indices.contains(block), "no such block")
    try buffer.start(reader: self, number: block)
    for column in columns.columns where column != .runs { try buffer.load(column) }
  }

  /// Where a column of a block lies in the file.
  func locate(_ column: TraceColumn, of block: Int) -> (offset: UInt64, entry: BlockHeader.Entry)? {
    blocks[block].locate(column).map { (offsets[block] + UInt64($0.offset), $0.entry) }
  }

  private static func readHeader(_ file: TraceFile, symbols: Bool) throws(TraceError) -> (TraceHeader, start: UInt64) {
    func failure(_ kind: TraceError.Kind, _ offset: UInt64?, _ found: String, _ expected: String, _ remedy: String)
      -> TraceError
    {
      TraceError(kind, file: file.name, offset: offset, found: found, expected: expected, remedy: remedy)
    }
    guard file.size >= UInt64(TraceFormat.prefaceBytes) else {
      throw failure(.format, nil, "\(file.size) bytes", "a trace of at least 88", "record or fetch the trace anew")
    }
    let preface = try file.bytes(at: 0, count: TraceFormat.prefaceBytes)
    let fields = preface.withUnsafeBytes { bytes in
      (
        magic: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
        version: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self),
        count: Int(bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self)),
        sum: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self),
        jsonCount: bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
      )
    }
    guard fields.magic == TraceFormat.magic else {
      throw failure(
        .format, 0, "\(hex(fields.magic))", "the magic of a trace",
        "give a .trace file, or import this one with `gi-bench trace convert`")
    }
    guard fields.version == TraceFormat.version else {
      throw failure(
        .format, 8, "format version \(fields.version)", "version \(TraceFormat.version)",
        "use the build that wrote it to convert it")
    }
    guard fields.count <= TraceFormat.maximumHeaderBytes, UInt64(fields.count) <= file.size - 32 else {
      throw failure(
        .truncated, 12, "a header of \(fields.count) bytes in a file of \(file.size)", "a header within the file",
        "copy or record the file anew")
    }
    let stored = try file.bytes(at: 32, count: fields.count)
    let sum = stored.withUnsafeBytes { checksum($0) }
    guard sum == fields.sum else {
      throw failure(.damaged, 32, "header checksum \(hex(sum))", hex(fields.sum), "copy or record the file anew")
    }
    guard fields.jsonCount <= UInt64(TraceFormat.maximumHeaderBytes) else {
      throw failure(
        .format, 24, "a header of \(fields.jsonCount) bytes", "at most \(TraceFormat.maximumHeaderBytes)",
        "copy or record the file anew")
    }
    var json = [UInt8](repeating: 0, count: Int(fields.jsonCount))
    let flaw = stored.withUnsafeBytes { source in
      json.withUnsafeMutableBytes { ZstandardDecompressor().decompress(source, into: $0) }
    }
    if let flaw { throw failure(.damaged, 32, flaw.found, flaw.expected, "copy or record the file anew") }
    let header: TraceHeader
    let decoder = JSONDecoder()
    if !symbols { decoder.userInfo[TraceDescription.leavesSymbolsOut] = true }
    do {
      header = try decoder.decode(TraceHeader.self, from: Data(json))
    } catch {
      throw failure(.format, 32, "a header with \(describe(error))", "a trace header", "use the build that wrote it")
    }
    let totals = header.totals
    guard (1...TraceFormat.maximumVCPUs).contains(totals.vcpus), totals.instructions.count == totals.vcpus,
      totals.pageLimit <= TraceFormat.maximumPages
    else {
      throw failure(
        .format, 32, "a header with \(totals.vcpus) vCPUs and pages up to \(totals.pageLimit)",
        "1 to \(TraceFormat.maximumVCPUs) vCPUs and pages below 2^32", "use the build that wrote it")
    }
    return (header, UInt64(32 + fields.count))
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
