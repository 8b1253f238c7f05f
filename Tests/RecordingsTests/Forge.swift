import CXXHash
import Foundation

@testable import Recordings

/// Makes hostile files: changes a trace and puts every checksum right again, so that only what it means is wrong.
enum Forge {
  /// Changes the header of a trace file.
  static func header(of path: String, _ change: (inout RecordingHeader) -> Void) throws {
    try rebuild(path, header: change) { _, _, _ in }
  }

  /// Writes a trace file anew with a changed header and changed decoded columns; header counts of blocks stay as they are.
  static func rebuild(
    _ path: String, header change: (inout RecordingHeader) -> Void = { _ in },
    column: (_ block: Int, _ column: RecordingColumn, _ decoded: inout [UInt8]) -> Void
  ) throws {
    let reader = try RecordingReader(path: path)
    var header = reader.header
    change(&header)
    try rebuild(reader, json: json(of: header), to: path, column: column)
  }

  /// A header as a file holds it.
  static func json(of header: RecordingHeader) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(header)
  }

  /// Writes what a reader reads to a file, with this header and changed decoded columns.
  static func rebuild(
    _ reader: RecordingReader, json data: Data, to path: String,
    column: (_ block: Int, _ column: RecordingColumn, _ decoded: inout [UInt8]) -> Void = { _, _, _ in }
  ) throws {
    let json = [UInt8](data)
    let stored = compress(json)

    var file = ByteWriter()
    file.append(RecordingFormat.magic)
    file.append(RecordingFormat.version)
    file.append(UInt32(stored.count))
    file.append(stored.withUnsafeBytes { checksum($0) })
    file.append(UInt64(json.count))
    stored.withUnsafeBytes { file.append(contentsOf: $0) }
    var index = ByteWriter()
    for (number, block) in reader.blocks.enumerated() {
      var forged = block
      var columns: [[UInt8]] = []
      for (place, entry) in block.columns.enumerated() {
        var decoded = try self.decoded(reader, number, entry)
        column(number, entry.column, &decoded)
        let frame = compress(decoded)
        forged.columns[place].decodedBytes = decoded.count
        forged.columns[place].storedBytes = frame.count
        forged.columns[place].checksum = frame.withUnsafeBytes { checksum($0) }
        columns.append(frame)
      }
      index.append(UInt64(file.bytes.count))
      forged.encode(into: &index)
      forged.encode(into: &file)
      for frame in columns { frame.withUnsafeBytes { file.append(contentsOf: $0) } }
    }
    let indexOffset = file.bytes.count
    index.bytes.withUnsafeBytes { file.append(contentsOf: $0) }
    file.append(UInt64(indexOffset))
    file.append(UInt64(index.bytes.count))
    file.append(UInt64(reader.blocks.count))
    file.append(index.bytes.withUnsafeBytes { checksum($0) })
    let digest = file.bytes.withUnsafeBytes { XXH3_128bits($0.baseAddress, $0.count) }
    file.append(digest.low64)
    file.append(digest.high64)
    file.append(RecordingFormat.endMagic)
    try Data(file.bytes).write(to: URL(filePath: path))
  }

  /// A column as it is when decoded.
  static func decoded(_ reader: RecordingReader, _ block: Int, _ entry: BlockHeader.Entry) throws -> [UInt8] {
    guard let (offset, _) = reader.locate(entry.column, of: block) else { return [] }
    let stored = try reader.file.bytes(at: offset, count: entry.storedBytes)
    var decoded = [UInt8](repeating: 0, count: entry.decodedBytes)
    let flaw = stored.withUnsafeBytes { source in
      decoded.withUnsafeMutableBytes { ZstandardDecompressor().decompress(source, into: $0) }
    }
    if let flaw { throw flaw }
    return decoded
  }

  static func compress(_ bytes: [UInt8]) -> [UInt8] {
    bytes.withUnsafeBytes { ZstandardCompressor(level: 1).compress([$0]) }
  }
}
