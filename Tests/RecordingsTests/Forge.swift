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
    let blocks = try reader.blocks.enumerated().map { number, block in
      let columns = try block.columns.map { entry in
        var decoded = try self.decoded(reader, number, entry)
        column(number, entry.column, &decoded)
        return decoded
      }
      return (header: block, columns: columns)
    }
    try Data(assemble(json: [UInt8](data), blocks, version: reader.version, frame: compress))
      .write(to: URL(filePath: path))
  }

  /// A file of these parts, every size and check code of it right; `frame` makes the zstd frame that a part is stored as.
  static func assemble(
    json: [UInt8], _ blocks: [(header: BlockHeader, columns: [[UInt8]])], version: UInt32, frame: ([UInt8]) -> [UInt8]
  ) -> [UInt8] {
    let stored = frame(json)
    var file = ByteWriter()
    file.append(RecordingFormat.magic)
    file.append(version)
    file.append(UInt32(stored.count))
    file.append(stored.withUnsafeBytes { checksum($0) })
    file.append(UInt64(json.count))
    stored.withUnsafeBytes { file.append(contentsOf: $0) }
    var index = ByteWriter()
    for (header, columns) in blocks {
      var header = header
      let frames = columns.map(frame)
      for (place, frame) in frames.enumerated() {
        header.columns[place].decodedBytes = columns[place].count
        header.columns[place].storedBytes = frame.count
        header.columns[place].checksum = frame.withUnsafeBytes { checksum($0) }
      }
      index.append(UInt64(file.bytes.count))
      header.encode(into: &index)
      header.encode(into: &file)
      for frame in frames { frame.withUnsafeBytes { file.append(contentsOf: $0) } }
    }
    let indexOffset = file.bytes.count
    index.bytes.withUnsafeBytes { file.append(contentsOf: $0) }
    file.append(UInt64(indexOffset))
    file.append(UInt64(index.bytes.count))
    file.append(UInt64(blocks.count))
    file.append(index.bytes.withUnsafeBytes { checksum($0) })
    let digest = file.bytes.withUnsafeBytes { XXH3_128bits($0.baseAddress, $0.count) }
    file.append(digest.low64)
    file.append(digest.high64)
    file.append(RecordingFormat.endMagic)
    return file.bytes
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
