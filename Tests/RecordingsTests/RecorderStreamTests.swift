import SeededRandom
import Addresses
import Foundation
import Testing

@testable import Recordings

@Suite("The recorder's stream")
struct RecorderStreamTests {
  /// One record of 64 bytes.
  static func raw(
    _ kind: UInt8, vcpu: Int = 0, size: Int = 0, flags: UInt8 = 0, _ words: UInt64...
  ) -> [UInt8] {
    raw(kind, vcpu: vcpu, size: size, flags: flags, words)
  }

  static func raw(_ kind: UInt8, vcpu: Int, size: Int, flags: UInt8, _ words: [UInt64]) -> [UInt8] {
    var writer = ByteWriter()
    for byte in [kind, UInt8(vcpu), UInt8(size), flags] { writer.append(byte) }
    writer.append(UInt32(0))
    for word in words + [UInt64](repeating: 0, count: 7 - words.count) { writer.append(word) }
    return writer.bytes
  }

  static func raw(_ record: Record) -> [UInt8] {
    switch record {
    case .store(let s):
      return raw(
        1, vcpu: s.vcpu, size: s.size, flags: s.low == nil ? 0 : 1, s.count, s.gpa, s.gva, s.rip, s.low ?? 0,
        s.high ?? 0)
    case .event(.hypercall(let c)):
      return raw(2, vcpu: c.vcpu, c.count, c.ripAddress.rawValue, 0, c.rip.rawValue)
        + raw(
          0x82, vcpu: c.vcpu, size: c.cpl, c.number, c.arguments.rdi, c.arguments.rsi, c.arguments.rdx, c.arguments.r10,
          c.rflags, c.cr3)
    case .event(.cr3(let l)): return raw(3, vcpu: l.vcpu, l.count, 0, 0, 0, l.value)
    case .event(.map(let m)):
      let words = [
        m.count, m.entry, m.linear.rawValue, m.tables?.pml4e ?? 0, m.cr3, m.tables?.pdpte ?? 0, m.tables?.pde ?? 0,
      ]
      return raw(4, vcpu: m.vcpu, size: m.pageShift, flags: m.tables == nil ? 0 : 2, words)
    case .event(.mark(let m)): return raw(5, vcpu: m.vcpu, m.count, 0, m.id, m.rip.rawValue)
    case .event(.halt(let h)): return raw(9, vcpu: h.vcpu, h.count)
    case .event(.control(let c)): return raw(10, vcpu: c.vcpu, c.count, 0, c.register.rawValue, 0, c.value)
    case .accesses(let a):
      let (gpa, gva) = (a.page.rawValue << 12 | 0x123, (a.linearPage ?? 0) << 12 | 0x123)
      return raw(a.kind == .load ? 7 : 8, vcpu: a.vcpu, a.count, gpa, gva, 0, UInt64(a.accesses))
    }
  }

  static func end(_ writes: Int) -> [UInt8] { raw(6, UInt64(writes)) }

  static func convert(
    _ bytes: [UInt8], to path: String, allowsBrokenEnd: Bool = false
  ) throws -> RecorderStream.Report {
    let folder = Folder()
    try Data(bytes).write(to: URL(filePath: folder.file("raw")))
    let writer = try RecordingWriter(path: path, description: Sample.description(), options: Sample.small)
    return try RecorderStream(name: "stream", allowsBrokenEnd: allowsBrokenEnd).convert(
      InputStream(path: folder.file("raw")), into: writer, ramBytes: Sample.ram)
  }

  /// Records as the recorder makes them: what crosses a page in one record goes on in the next guest page.
  static func records(_ count: Int, seed: UInt64) -> [Record] {
    Sample.records(count, seed: seed).map { record in
      guard case .store(var store) = record else { return record }
      store.rest = nil
      return .store(store)
    }
  }

  static func writes(_ records: [Record]) -> Int {
    records.count { if case .store = $0 { true } else { false } }
  }

  @Test("becomes the trace of its records, every field of every kind", arguments: [21, 22, 23] as [UInt64])
  func everything(seed: UInt64) throws {
    let folder = Folder()
    // More than one piece of the input buffer.
    let records = Self.records(30_000, seed: seed)
    let report = try Self.convert(records.flatMap(Self.raw) + Self.end(Self.writes(records)), to: folder.file("t"))
    #expect(report.writes == UInt64(Self.writes(records)) && report.deviceWrites == 0)
    let back = try Sample.read(RecordingReader(path: folder.file("t")))
    #expect(back == records)
  }

  @Test("leaves stores outside of memory out, and counts them")
  func devices() throws {
    let folder = Folder()
    let report = try Self.convert(
      Self.raw(1, size: 4, 1, 0x1000, 0x1000) + Self.raw(1, size: 4, 2, 0xfee0_00b0, 0xfee0_00b0) + Self.end(2),
      to: folder.file("t"))
    #expect(report.writes == 2 && report.deviceWrites == 1 && report.summary.header.totals.writes == 1)
  }

  @Test("takes the last byte of memory for memory, and the first behind it for a device's")
  func edgeOfMemory() throws {
    let folder = Folder()
    for (address, isDevice) in [(Sample.ram - 1, false), (Sample.ram, true), (Sample.ram + 1, true)] {
      let report = try Self.convert(Self.raw(1, size: 1, 1, address, address) + Self.end(1), to: folder.file("t"))
      let totals = report.summary.header.totals
      #expect(report.deviceWrites == (isDevice ? 1 : 0) && totals.writes == (isDevice ? 0 : 1), "\(address)")
      #expect(totals.pageLimit == (isDevice ? 0 : Sample.ram >> 12), "\(address)")
    }
    let report = try Self.convert(
      [Sample.ram - 1, Sample.ram, Sample.ram + 1].flatMap { Self.raw(1, size: 1, 1, $0, $0) } + Self.end(3),
      to: folder.file("t"))
    #expect(report.writes == 3 && report.deviceWrites == 2 && report.summary.header.totals.writes == 1)
  }

  @Test("that breaks off is refused; asked to, what there is becomes a trace marked incomplete", arguments: [0, 1, 63])
  func brokenEnd(more: Int) throws {
    let folder = Folder()
    let bytes = Self.raw(1, size: 4, 1, 0x1000, 0x1000) + [UInt8](repeating: 1, count: more)
    let error = #expect(throws: RecordingError.self) { try Self.convert(bytes, to: folder.file("t")) }
    #expect(error?.kind == .truncated && error?.offset == UInt64(64 + more))
    #expect(folder.names.isEmpty)
    let report = try Self.convert(bytes, to: folder.file("t"), allowsBrokenEnd: true)
    #expect(!report.summary.header.complete && report.summary.header.totals.writes == 1)
  }

  /// Records that no recorder makes; the last of each is the impossible one.
  static let impossible: [(String, [UInt8])] = {
    let lateLoad: [UInt8] = raw(8, 9, 0x1000, 0x1000, 0, 1) + raw(8, 8, 0x1000, 0x1000, 0, 1)
    let lone: [UInt8] = raw(2, 2) + raw(3, 3)
    let other: [UInt8] = raw(2, 2) + raw(0x82, vcpu: 1)
    let privileged: [UInt8] = raw(2, 2) + raw(0x82, size: 4)
    let memory: [(String, [UInt8])] = [
      ("size 0", raw(1, size: 0, 2, 0x1000, 0x1000)), ("size 65", raw(1, size: 65, 2, 0x1000, 0x1000)),
      ("count back", raw(1, size: 8, 0, 0x1000, 0x1000)), ("linear offset", raw(1, size: 8, 2, 0x1000, 0x1008)),
      ("linear hole", raw(1, size: 8, 2, 0x1000, 0x8000_0000_0000_1000)),
      ("no accesses", raw(7, 2, 0x1000, 0x1000)), ("a fetch's count back", lateLoad),
    ]
    let others: [(String, [UInt8])] = [
      ("kind", raw(11, 2)), ("register", raw(10, 2, 0, 3)), ("lone continuation", raw(0x82, 2)),
      ("page size", raw(4, size: 13, 2)), ("too many", end(5)), ("hypercall without continuation", lone),
      ("continuation of another", other), ("privilege", privileged),
    ]
    return memory + others
  }()

  @Test("with one impossible record is refused at its byte, and leaves no file", arguments: impossible)
  func refused(what: String, record: [UInt8]) throws {
    let folder = Folder()
    let bytes = Self.raw(1, size: 4, 1, 0x1000, 0x1000) + record + Self.raw(1, size: 4, 9, 0x1000, 0x1000) + Self.end(2)
    let error = #expect(throws: RecordingError.self) { try Self.convert(bytes, to: folder.file("t")) }
    // The last of the records is the impossible one.
    #expect(error?.offset == UInt64(record.count), "\(what): \(error?.description ?? "")")
    #expect(error?.description.contains("\n") == false && folder.names.isEmpty)
  }

  @Test("of random bytes is refused, never more")
  func noise() throws {
    let folder = Folder()
    var random = SplitMix64(seed: 8)
    for _ in 0..<200 {
      var bytes = Self.records(20, seed: random.next()).flatMap(Self.raw)
      for _ in 0..<4 {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      _ = try? Self.convert(bytes, to: folder.file("t"), allowsBrokenEnd: true)
      if FileManager.default.fileExists(atPath: folder.file("t")) {
        _ = HostileFileTests.trouble(folder.file("t"))
        try FileManager.default.removeItem(atPath: folder.file("t"))
      }
    }
  }
}
