import CZlib
import Foundation
import SeededRandom
import Testing

@testable import Recordings

@Suite("A packed log")
struct PackedInputTests {
  /// One gzip member of these bytes.
  static func gzip(_ bytes: [UInt8]) -> [UInt8] {
    var stream = z_stream()
    #expect(
      deflateInit2_(
        &stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        == Z_OK)
    var packed = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(bytes.count))) + 64)
    var source = bytes
    let written = source.withUnsafeMutableBufferPointer { from in
      packed.withUnsafeMutableBufferPointer { to in
        (stream.next_in, stream.avail_in) = (from.baseAddress, UInt32(from.count))
        (stream.next_out, stream.avail_out) = (to.baseAddress, UInt32(to.count))
        #expect(deflate(&stream, Z_FINISH) == Z_STREAM_END)
        return to.count - Int(stream.avail_out)
      }
    }
    deflateEnd(&stream)
    return Array(packed[..<written])
  }

  static func zstd(_ bytes: [UInt8]) -> [UInt8] {
    bytes.withUnsafeBytes { ZstandardCompressor(level: 3).compress([$0]) }
  }

  /// A log of so many stores.
  static func log(_ stores: Int) -> [UInt8] {
    Array((0..<stores).map { "I  0401ab70,3\n S \(String(0x1f_ff00_0000 + $0 * 8, radix: 16)),8\n" }.joined().utf8)
  }

  static func stores(_ bytes: [UInt8]) throws -> Int {
    try TextImportTests.convert(.lackey, Data(bytes)).writes.count
  }

  @Test("is read as if it were not, in one piece or several", arguments: [gzip, zstd])
  func packed(pack: @Sendable ([UInt8]) -> [UInt8]) throws {
    for stores in [1, 1000, 60_000] { #expect(try Self.stores(pack(Self.log(stores))) == stores) }
    let parts = pack(Self.log(10)) + pack([]) + pack(Self.log(20))
    #expect(try Self.stores(parts) == 30)
    // A byte order mark inside is skipped too.
    #expect(try Self.stores(pack([0xef, 0xbb, 0xbf] + Self.log(3))) == 3)
  }

  @Test("may be padded by zeros, as tapes do")
  func padded() throws {
    #expect(try Self.stores(Self.gzip(Self.log(5)) + [UInt8](repeating: 0, count: 700)) == 5)
  }

  @Test("that ends early or is damaged is refused, and never more", arguments: [gzip, zstd])
  func damaged(pack: @Sendable ([UInt8]) -> [UInt8]) throws {
    let whole = pack(Self.log(3000))
    for end in [5, 20, whole.count / 2, whole.count - 1] {
      let error = #expect(throws: RecordingError.self) { try Self.stores(Array(whole[..<end])) }
      #expect(error?.description.contains("\n") == false)
    }
    var random = SplitMix64(seed: 11)
    for _ in 0..<60 {
      var bytes = whole
      for _ in 0..<3 {
        bytes[Int.random(in: 4..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      do { _ = try Self.stores(bytes) } catch let error as RecordingError { #expect(!error.expected.isEmpty) }
    }
  }

  @Test("that unpacks to far more than it holds is read line by line all the same", arguments: [gzip, zstd])
  func bomb(pack: @Sendable ([UInt8]) -> [UInt8]) throws {
    // 64 MiB without a line's end: refused after the longest line; 64 MiB of empty lines: read to their end.
    let endless = pack([UInt8](repeating: 0x49, count: 64 << 20))
    let error = #expect(throws: RecordingError.self) { try Self.stores(endless) }
    #expect(error?.found.contains("a line of more than 65536 bytes") == true)
    let piece = pack([UInt8](repeating: 0x0a, count: 1 << 20))
    #expect(try Self.stores((0..<64).flatMap { _ in piece } + pack(Self.log(1))) == 1)
  }

  @Test(
    "of a kind that is no text is refused by its name",
    arguments: [
      ([0x17, 0x08, 0x44] + Array("tracing6".utf8), "trace.dat", "trace-cmd report"),
      (Array("PERFILE2".utf8), "perf.data", "perf script"), ([0x7f] + Array("ELF\u{2}".utf8), "ELF", "log"),
      ([0xff, 0xfe, 0x41, 0x00], "UTF-16", "iconv"), ([0xfe, 0xff, 0x00, 0x41], "UTF-16", "iconv"),
      ([0xff, 0xfe, 0, 0, 0x41, 0, 0, 0], "UTF-32", "iconv"), ([0, 0, 0xfe, 0xff, 0, 0, 0, 0x41], "UTF-32", "iconv"),
      ("I  0401ab70,3".utf8.flatMap { [$0, 0] }, "UTF-16", "iconv"),
      ("I  0401ab70,3".utf8.flatMap { [0, $0] }, "UTF-16", "iconv"), ([0xfd] + Array("7zXZ\0".utf8), "xz", "xz -dc"),
      (Array("BZh9".utf8) + [0x31, 0x41, 0x59, 0x26, 0x53, 0x59], "bzip2", "bzip2"),
      (Array("PK\u{3}\u{4}".utf8), "zip", "unpack"),
      (Array("I  0401ab70,3\n\0\0\0".utf8), "binary", "text"),
    ] as [([UInt8], String, String)])
  func foreign(bytes: [UInt8], name: String, remedy: String) throws {
    for packed in [bytes, Self.gzip(bytes)] {
      for format in [TextImport.Format.lackey, nil] {
        let error = #expect(throws: RecordingError.self) {
          try TextImportTests.convert(format, Data(packed), lenient: true)
        }
        #expect(
          error?.found.contains(name) == true && error?.remedy.contains(remedy) == true, "\(error?.description ?? "")")
      }
    }
  }

  @Test("that is a trace already is told so")
  func trace() throws {
    let folder = Folder()
    try Sample.write(Sample.records(10, seed: 1), to: folder.file("a"))
    let error = #expect(throws: RecordingError.self) { try TextImport(.lackey, InputStream(path: folder.file("a"))) }
    #expect(error?.found.contains("a trace of gi-bench") == true)
  }
}
