import Addresses
import CXXHash
import CZstd
import Foundation
import Recordings
import Testing

/// The page on the format is true: a file that it describes is read by nothing but what it says.
@Suite("The format, byte by byte")
struct ByteByByteTests {
  /// A file, taken apart as the page has it.
  private struct Parts {
    var named: [String: [UInt8]] = [:]
    var rest: [UInt8]

    /// Cuts bytes off the front.
    mutating func take(_ count: Int) throws -> [UInt8] {
      try #require(count >= 0 && count <= rest.count)
      defer { rest.removeFirst(count) }
      return Array(rest.prefix(count))
    }

    init(_ file: [UInt8]) throws {
      rest = file
      let preface = try take(32)
      let header = try take(Int(Self.number(preface[12..<16])))
      #expect(XXH3_64bits(header, header.count) == Self.number(preface[16..<24]))
      let json = try Self.decompressed(header, Int(Self.number(preface[24..<32])))
      let object = try JSONSerialization.jsonObject(with: Data(json)) as? [String: Any]
      #expect(
        object?["columns"] as? [String] == ["runs", "clocks", "places", "steps", "linear-pages", "events"])
      let blockStart = file.count - rest.count
      let fixed = try take(64)
      let vcpus = try take(8 * Int(Self.number(fixed[56..<60])))
      let columns = try take(32 * Int(Self.number(fixed[60..<64])))
      let sum = try take(8)
      let checked = fixed + vcpus + columns
      #expect(XXH3_64bits(checked, checked.count) == Self.number(sum[...]))
      named = ["preface": preface, "block": checked + sum]
      let names: [UInt64: String] = [
        1: "runs", 2: "clocks", 3: "places", 4: "steps", 5: "linear-pages", 8: "events",
      ]
      for start in stride(from: 0, to: columns.count, by: 32) {
        let entry = Array(columns[start..<start + 32])
        let stored = try take(Int(Self.number(entry[16..<24])))
        #expect(XXH3_64bits(stored, stored.count) == Self.number(entry[24..<32]))
        named[try #require(names[Self.number(entry[0..<4])])] = try Self.decompressed(
          stored, Int(Self.number(entry[8..<16])))
      }
      let indexStart = file.count - rest.count
      let footer = Array(rest.suffix(56))
      let index = try take(rest.count - 56)
      named["footer"] = footer
      #expect(Self.number(footer[0..<8]) == UInt64(indexStart))
      #expect(Self.number(footer[8..<16]) == UInt64(index.count))
      #expect(XXH3_64bits(index, index.count) == Self.number(footer[24..<32]))
      #expect(Self.number(index[0..<8]) == UInt64(blockStart) && Array(index[8...]) == checked + sum)
      let digested = file.count - 24
      let digest = XXH3_128bits(file, digested)
      #expect(digest.low64 == Self.number(footer[32..<40]) && digest.high64 == Self.number(footer[40..<48]))
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
      bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func decompressed(_ frame: [UInt8], _ count: Int) throws -> [UInt8] {
      var decoded = [UInt8](repeating: 0, count: count)
      #expect(ZSTD_decompress(&decoded, count, frame, frame.count) == count)
      return decoded
    }
  }

  private static let page = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../Sources/Recordings/Recordings.docc/ByteByByte.md").standardizedFileURL

  /// The bytes that a block of the page shows; nil for one that it leaves open.
  private static func shown(_ name: String) throws -> [UInt8?] {
    let lines = try String(contentsOf: page, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
    let start = try #require(lines.firstIndex(of: "```\(name)"), "the page shows no \(name)")
    return try lines[(start + 1)...].prefix { $0 != "```" }.flatMap { line in
      try line.prefix(25).split(separator: " ").map { word in
        if word == ".." { return nil }
        let byte: UInt8 = try #require(UInt8(word, radix: 16))
        return byte
      }
    }
  }

  /// The file that the page describes.
  private static func file() throws -> [UInt8] {
    let path = FileManager.default.temporaryDirectory.appending(path: "gi-bytes-\(getpid()).trace").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let writer = try RecordingWriter(
      path: path,
      description: RecordingDescription(title: "Three stores", origin: .synthetic, recorder: .init(name: "a test")),
      options: .init(columns: [.linearPages, .steps]))
    func store(_ count: UInt64, _ address: UInt64) throws {
      try writer.write(
        vcpu: 0, count: count, gpa: GuestPhysicalAddress(address),
        gva: GuestLinearAddress(0xffff_8880_0000_0000 | address), size: 8)
    }
    try store(100, 0x5010)
    try store(103, 0x5018)
    try writer.event(
      .mark(.init(vcpu: 0, count: 110, id: 7, rip: GuestLinearAddress(0xffff_ffff_8100_0000))))
    try store(120, 0x5ffc)
    _ = try writer.finish()
    return try [UInt8](Data(contentsOf: URL(filePath: path)))
  }

  @Test("is what the page shows")
  func bytes() throws {
    let parts = try Parts(Self.file())
    for (name, bytes) in parts.named {
      let shown = try Self.shown(name)
      #expect(shown.count == bytes.count, "\(name)")
      #expect(zip(shown, bytes).allSatisfy { $0 == nil || $0 == $1 }, "\(name): \(bytes)")
    }
  }
}
