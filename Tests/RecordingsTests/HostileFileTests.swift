import SeededRandom
import Foundation
import Testing

@testable import Recordings

@Suite("A hostile trace file")
struct HostileFileTests {
  /// Opens a file and decodes everything in it; the error, nil if there is none.
  static func trouble(_ path: String, salvage: Bool = false) -> RecordingError? {
    do {
      let reader = try RecordingReader(path: path, salvage: salvage)
      try reader.forEachRecord { record in
        if case .write(let write) = record {
          // Whatever a file says, a record stays within what its header promises.
          precondition(write.gpa.page.rawValue < reader.header.totals.pageLimit)
          precondition(write.vcpu < reader.header.totals.vcpus)
          precondition((1...2 * Place.maximumSize).contains(write.size))
        }
        return true
      }
      return nil
    } catch let error as RecordingError {
      return error
    } catch {
      Issue.record("\(path): \(error)")
      return nil
    }
  }

  @Test("with any one bit turned is refused, in one sentence that names the file", arguments: [11, 12] as [UInt64])
  func bitFlips(seed: UInt64) throws {
    let folder = Folder()
    let path = folder.file("t")
    try Sample.write(Sample.records(2000, seed: seed), to: path)
    let whole = [UInt8](try Data(contentsOf: URL(filePath: path)))
    var random = SplitMix64(seed: seed)
    for _ in 0..<400 {
      let bit = Int.random(in: 0..<8 * whole.count, using: &random)
      var broken = whole
      broken[bit / 8] ^= 1 << (bit % 8)
      try Data(broken).write(to: URL(filePath: path))
      let error = Self.trouble(path)
      #expect(error != nil, "bit \(bit) of \(whole.count) bytes, seed \(seed)")
      #expect(error?.description.hasPrefix(path) == true && error?.description.contains("\n") == false)
    }
  }

  @Test("cut off anywhere is refused; salvaged, it gives every whole block and says that it is not all")
  func truncation() throws {
    let folder = Folder()
    let path = folder.file("t")
    let records = Sample.records(3000, seed: 5)
    try Sample.write(records, to: path)
    let whole = [UInt8](try Data(contentsOf: URL(filePath: path)))
    let reader = try RecordingReader(path: path)
    let ends = reader.blocks.indices.map { Int(reader.locate(.runs, of: $0)?.offset ?? 0) }
    var random = SplitMix64(seed: 6)
    for _ in 0..<150 {
      let length = Int.random(in: 0..<whole.count, using: &random)
      try Data(whole[..<length]).write(to: URL(filePath: path))
      #expect(Self.trouble(path) != nil, "cut to \(length)")
      guard let salvaged = try? RecordingReader(path: path, salvage: true) else { continue }
      #expect(salvaged.isSalvaged && salvaged.blocks == Array(reader.blocks.prefix(salvaged.blocks.count)))
      let back = try Sample.read(salvaged)
      #expect(back == Array(records.prefix(back.count)))
      // As many blocks as lie whole in front of the cut.
      let next = salvaged.blocks.count
      if next + 1 < ends.count { #expect(ends[next + 1] > length, "cut to \(length) gave \(next) blocks") }
    }
  }

  @Test("is refused for what it is", arguments: ["empty", "short", "text", "version", "directory", "missing"])
  func kinds(what: String) throws {
    let folder = Folder()
    let path = folder.file("t")
    try Sample.write(Sample.records(200, seed: 1), to: path)
    var bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
    var expected = "found 0 bytes"
    switch what {
    case "empty": bytes = []
    case "short": (bytes, expected) = (Array(bytes[..<20]), "found 20 bytes")
    case "text":
      (bytes, expected) = (Array(String(repeating: "kind,vcpu\n", count: 50).utf8), "expected the magic of a trace")
    case "version":
      bytes[8] = 9
      expected = "found format version 9, expected version 1 or 2"
    case "directory": expected = "found a directory"
    default: expected = "No such file"
    }
    try FileManager.default.removeItem(atPath: path)
    switch what {
    case "directory": try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    case "missing": break
    default: try Data(bytes).write(to: URL(filePath: path))
    }
    #expect(Self.trouble(path)?.description.contains(expected) == true, "\(Self.trouble(path)?.description ?? "none")")
  }

  @Test(
    "with an escape that has no exception, or an exception that no escape has, is refused",
    arguments: [RecordingColumn.steps, .clocks], 0..<4)
  func lonelyEscape(column: RecordingColumn, which: Int) throws {
    let folder = Folder()
    let path = folder.file("t")
    let writer = try RecordingWriter(
      path: path, description: Sample.description(vcpus: 1), options: .init(columns: .steps, level: 1))
    for index in 0..<10 as Range<UInt64> {
      try writer.write(
        vcpu: 0, count: 10 + index, gpa: .init((index / 5) << 12), gva: .init((index / 5) << 12), size: 1)
    }
    _ = try writer.finish()
    #expect(Self.trouble(path) == nil)
    let width = column == .steps ? 1 : 2
    let escape = [UInt8](repeating: 0xff, count: width)
    try Forge.rebuild(path) { _, kind, bytes in
      guard kind == column else { return }
      switch which {
      case 0: bytes.replaceSubrange(0..<width, with: escape)
      case 1: bytes.replaceSubrange(width..<2 * width, with: escape)
      case 2:
        // Two escapes and one exception: the first value (0 behind the index before), 300 instructions.
        bytes.replaceSubrange(0..<2 * width, with: escape + escape)
        bytes += [0, 0xac, 0x02]
      default: bytes += [0, 0xac, 0x02]
      }
    }
    let trouble = try #require(Self.trouble(path), "\(column) \(which)")
    #expect(trouble.description.contains("a malformed list of exceptions"), "\(trouble)")
  }

  @Test("with sound checksums and a lying header is refused", arguments: 0..<6)
  func lyingHeader(lie: Int) throws {
    let folder = Folder()
    let path = folder.file("t")
    try Sample.write(Sample.records(1000, seed: 3), to: path)
    try Forge.header(of: path) { header in
      switch lie {
      case 0: header.totals.vcpus = 300
      case 1: header.totals.pageLimit = 1 << 40
      case 2: header.totals.pageLimit = 1
      case 3:
        header.totals.vcpus = 1
        header.totals.instructions = [1]
      case 4: header.totals.runs += 1
      default: header.columns = ["runs"]
      }
    }
    #expect(Self.trouble(path) != nil)
  }

  @Test("with an event between the two parts of a store is refused")
  func splitStore() throws {
    let folder = Folder()
    let path = folder.file("t")
    let mark = RecordedEvent.mark(.init(vcpu: 0, count: 2, id: 7, rip: .init(0)))
    let writer = try RecordingWriter(path: path, description: Sample.description(vcpus: 1), options: Sample.small)
    try writer.write(vcpu: 0, count: 1, gpa: .init(0x5ffc), gva: .init(0x5ffc), size: 8)
    try writer.event(mark)
    _ = try writer.finish()
    #expect(Self.trouble(path) == nil)
    try Forge.rebuild(path) { _, column, bytes in
      guard column == .events else { return }
      var coding = EventCoding(clocks: [0])
      var forged = ByteWriter()
      coding.encode(PlacedEvent(run: 1, event: mark), into: &forged)
      bytes = forged.bytes
    }
    #expect(try #require(Self.trouble(path)).description.contains("second part"))
  }

  @Test(
    "with sound checksums and damaged columns never reaches beyond its bounds",
    arguments: RecordingColumn.allCases.filter { $0 != .events } + [.events])
  func forgedColumns(column: RecordingColumn) throws {
    let folder = Folder()
    let sound = folder.file("sound")
    let path = folder.file("t")
    try Sample.write(Sample.mixed(600, seed: UInt64(column.rawValue)), to: sound)
    var random = SplitMix64(seed: 1000 + UInt64(column.rawValue))
    var refused = 0
    for round in 0..<120 {
      try Data(contentsOf: URL(filePath: sound)).write(to: URL(filePath: path))
      try Forge.rebuild(path) { _, kind, bytes in
        guard kind == column, !bytes.isEmpty else { return }
        for _ in 0..<Int.random(in: 1...3, using: &random) {
          let place = Int.random(in: 0..<bytes.count, using: &random)
          switch round % 3 {
          case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
          case 1: bytes[place] = [0, 0xff, 0x80, 0x7f].randomElement(using: &random) ?? 0
          default: if round % 6 == 2 { bytes.removeLast() } else { bytes.append(0xff) }
          }
        }
      }
      refused += Self.trouble(path) == nil ? 0 : 1
    }
    #expect(refused > 0)
  }
}
