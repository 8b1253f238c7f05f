import Foundation

@testable import Recordings

/// A trace in memory that can be forged: decoded columns and a header, put together with every checksum right.
///
/// Columns are stored, not compressed: a zstd frame of raw blocks is as good, and takes no time.
struct TraceImage {
  var json: [UInt8]
  let version: UInt32
  var blocks: [(header: BlockHeader, columns: [[UInt8]])]

  /// The image of a trace file.
  init(of path: String) throws {
    let reader = try RecordingReader(path: path)
    version = reader.version
    json = [UInt8](try Forge.json(of: reader.header))
    blocks = try reader.blocks.enumerated().map { number, block in
      (block, try block.columns.map { try Forge.decoded(reader, number, $0) })
    }
  }

  /// The bytes of the file.
  var bytes: [UInt8] { Forge.assemble(json: json, blocks, version: version, frame: Self.frame) }

  /// A zstd frame of one segment and raw blocks (RFC 8878, sections 3.1.1 and 3.1.1.2).
  private static func frame(_ bytes: [UInt8]) -> [UInt8] {
    var frame: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd, 0xa0]
    withUnsafeBytes(of: UInt32(bytes.count).littleEndian) { frame.append(contentsOf: $0) }
    var rest = bytes[...]
    repeat {
      let piece = rest.prefix(1 << 17)
      rest = rest.dropFirst(piece.count)
      let header = UInt32(piece.count) << 3 | (rest.isEmpty ? 1 : 0)
      frame += [UInt8(header & 255), UInt8(header >> 8 & 255), UInt8(header >> 16)] + piece
    } while !rest.isEmpty
    return frame
  }
}

/// A file in memory that is written anew for every input.
final class InputFile {
  let path: String
  private let descriptor: Int32

  /// A path in memory.
  static func scratch(_ name: String) -> String {
    "\(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp")/gi-fuzz-\(getpid())-\(name)"
  }

  init(_ name: String) {
    path = Self.scratch(name)
    descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { fatalError("no room at \(path)") }
  }

  deinit {
    close(descriptor)
    unlink(path)
  }

  func put(_ bytes: UnsafeRawBufferPointer) {
    guard pwrite(descriptor, bytes.baseAddress, bytes.count, 0) == bytes.count,
      ftruncate(descriptor, off_t(bytes.count)) == 0
    else { fatalError("no room at \(path)") }
  }

  func put(_ bytes: [UInt8]) { bytes.withUnsafeBytes { put($0) } }
}
