import Addresses
import Foundation
import SeededRandom
import Testing

@testable import Recordings

@Suite("Loads and fetches")
struct AccessTests {
  static func entries(_ path: String) throws -> [RecordedEntry] {
    var entries: [RecordedEntry] = []
    try RecordingReader(path: path).forEachRecord { entry in
      entries.append(entry)
      return true
    }
    return entries
  }

  static func accesses(_ entries: [RecordedEntry], _ kind: RecordedAccesses.Kind) -> [RecordedAccesses] {
    entries.compactMap { if case .accesses(let some) = $0, some.kind == kind { some } else { nil } }
  }

  /// What lies before each access, as the test wrote it and as the trace has it: records that are no accesses.
  static func before(_ entries: [RecordedEntry], _ kind: RecordedAccesses.Kind) -> [Int] {
    var (before, places) = (0, [Int]())
    for entry in entries {
      guard case .accesses(let some) = entry else {
        before += 1
        continue
      }
      if some.kind == kind { places.append(before) }
    }
    return places
  }

  /// The vCPU and the pages of a store; nil for an event.
  static func page(of entry: RecordedEntry) -> [UInt64]? {
    guard case .write(let write) = entry else { return nil }
    return [UInt64(write.vcpu), write.gpa.page.rawValue, (write.gva?.rawValue ?? 0) >> 12]
  }

  @Test(
    "come back in their order, each behind what it came after, and none across an event or another run",
    arguments: [31, 32, 33, 34] as [UInt64])
  func roundTrip(seed: UInt64) throws {
    let folder = Folder()
    let records = Sample.mixed(6000, seed: seed)
    let options = RecordingWriter.Options(
      columns: .all, level: 1, runsPerBlock: [1, 7, 300, 1 << 19][Int(seed - 31)], accessesPerBlock: 3000)
    let written = try Sample.write(records, to: folder.file("t"), options: options)
    let back = try Self.entries(folder.file("t"))
    let plain = back.filter { if case .accesses = $0 { false } else { true } }
    for kind in RecordedAccesses.Kind.allCases {
      let expected = records.compactMap { record -> RecordedAccesses? in
        if case .accesses(let some) = record, some.kind == kind { some } else { nil }
      }
      #expect(Self.accesses(back, kind) == expected, "seed \(seed)")
      let totals = kind == .load ? written.header.totals.loads : written.header.totals.fetches
      #expect(
        totals?.accesses == expected.reduce(0) { $0 + UInt64($1.accesses) } && totals?.runs == UInt64(expected.count))
      // A store of the run that was open when an access came may have moved before it, and nothing else has moved.
      let lies = Self.before(back, kind)
      var (came, before) = ([Int](), 0)
      for record in records {
        guard case .accesses(let some) = record else {
          before += 1
          continue
        }
        if some.kind == kind { came.append(before) }
      }
      try #require(came.count == lies.count)
      for (index, (came, lies)) in zip(came, lies).enumerated() where came != lies {
        try #require(came < lies && came > 0, "\(kind) \(index) of seed \(seed)")
        let pages = Set(plain[came - 1..<lies].map { Self.page(of: $0) })
        #expect(pages.count == 1 && pages.first != .some(nil), "\(kind) \(index) of seed \(seed)")
      }
    }
    #expect(try RecordingReader(path: folder.file("t")).version == 2)
  }

  @Test(
    "change nothing else: the runs of stores, their columns and all events are as without them",
    arguments: [41, 42] as [UInt64])
  func stores(seed: UInt64) throws {
    let folder = Folder()
    let records = Sample.mixed(5000, seed: seed)
    var options = Sample.small
    options.runsPerBlock = 1 << 19
    options.accessesPerBlock = 1 << 22
    try Sample.write(records, to: folder.file("with"), options: options)
    options.columns.subtract(.ofVersion2)
    try Sample.write(records, to: folder.file("without"), options: options)
    let (with, without) = (
      try RecordingReader(path: folder.file("with")), try RecordingReader(path: folder.file("without"))
    )
    #expect(without.header.totals.loads == nil && without.header.totals.fetches == nil)
    #expect(try Sample.read(with) == Sample.read(without))
    #expect(with.blocks.count == 1 && without.blocks.count == 1)
    for entry in without.blocks[0].columns {
      #expect(try Forge.decoded(with, 0, entry) == Forge.decoded(without, 0, entry), "\(entry.column)")
    }
  }

  @Test("cost a reader nothing that does not ask")
  func notAsked() throws {
    let folder = Folder()
    try Sample.write(Sample.mixed(3000, seed: 9), to: folder.file("t"))
    // Damaged columns that nobody decodes are nobody's trouble.
    try Forge.rebuild(folder.file("t")) { _, column, bytes in
      if RecordingColumns.ofVersion2.contains(RecordingColumns(column)) { bytes = [UInt8](repeating: 0xff, count: 24) }
    }
    let reader = try RecordingReader(path: folder.file("t"))
    let block = RecordingBlock()
    for number in reader.blocks.indices {
      try reader.read(block: number, columns: [.runs, .events, .linearPages, .clocks], into: block)
      #expect(block.loaded.isDisjoint(with: .ofVersion2) && block.loads.isEmpty && block.fetches.isEmpty)
    }
    let error = #expect(throws: RecordingError.self) { try reader.read(block: 0, columns: .loads, into: block) }
    #expect(error?.column == .loads && error?.block == 0)
  }

  @Test("make a file of version 2, as halts and control registers do; whatever version 1 can hold is written as that")
  func versions() throws {
    let folder = Folder()
    func version(_ columns: RecordingColumns, _ records: [Record]) throws -> UInt32 {
      var options = Sample.small
      options.columns = columns
      try Sample.write(records, to: folder.file("t"), options: options)
      return try RecordingReader(path: folder.file("t")).version
    }
    let old = Sample.records(800, seed: 3).filter { record in
      switch record {
      case .event(.halt), .event(.control): false
      default: true
      }
    }
    #expect(try version([.linearPages, .steps, .values, .instructionPointers], old) == 1)
    let before = try Data(contentsOf: URL(filePath: folder.file("t")))
    #expect(try version(.loads, old) == 2)
    #expect(try version(.steps, old + [.event(.halt(.init(vcpu: 0, count: 1 << 61)))]) == 2)
    #expect(
      try version(.steps, old + [.event(.control(.init(vcpu: 0, count: 1 << 61, register: .cr4, value: 0x20)))]) == 2)
    // A file that says version 1 holds none of it, whatever its sums are.
    for (offset, version) in [(8, UInt8(1)), (8, 3)] {
      var bytes = [UInt8](try Data(contentsOf: URL(filePath: folder.file("t"))))
      bytes[offset] = version
      try Data(bytes).write(to: URL(filePath: folder.file("forged")))
      let error = try #require(HostileFileTests.trouble(folder.file("forged")))
      #expect(error.kind == .format && !error.description.contains("\n"), "\(error)")
    }
    // And one that is of version 1 is byte for byte what it was, new fields of the description apart.
    #expect(!before.isEmpty && before[8] == 1)
  }

  @Test("are refused out of order, without a page that a run can name, or none at all")
  func refusals() throws {
    let folder = Folder()
    let writer = try RecordingWriter(path: folder.file("t"), description: Sample.description(), options: Sample.small)
    func accesses(_ count: UInt64, vcpu: Int = 0, page: UInt64 = 1, linear: UInt64? = nil, _ number: Int = 1)
      -> RecordedAccesses
    {
      .init(kind: .load, vcpu: vcpu, count: count, page: .init(page), linearPage: linear, accesses: number)
    }
    try writer.accesses(accesses(10))
    for bad in [
      accesses(9), accesses(11, vcpu: 256), accesses(11, vcpu: -1), accesses(11, page: 1 << 32), accesses(11, 0),
      accesses(11, -1), accesses(11, (1 << 32) + 1), accesses(11, .max), accesses(1 << 62),
      accesses(11, linear: 1 << 52),
    ] {
      let error = #expect(throws: RecordingError.self) { try writer.accesses(bad) }
      #expect(error?.kind == .input)
    }
    // Late, behind a store of a later instruction, they are taken; more than a run holds become several.
    try writer.write(vcpu: 0, count: 50, gpa: .init(0x5000), gva: .init(0x5000), size: 8)
    try writer.accesses(accesses(10, 200_000))
    let totals = try writer.finish().header.totals
    #expect(totals.loads?.runs == 1 + 4 && totals.loads?.accesses == 200_001)
    #expect(HostileFileTests.trouble(folder.file("t")) == nil)
  }

  @Test("alone fill blocks and make a trace")
  func withoutStores() throws {
    let folder = Folder()
    let writer = try RecordingWriter(path: folder.file("t"), description: Sample.description(), options: Sample.small)
    try writer.accesses(.init(kind: .fetch, vcpu: 1, count: 7, page: .init(9), linearPage: 8, accesses: 2))
    let summary = try writer.finish()
    #expect(summary.blocks == 1 && summary.header.totals.instructions == [0, 7])
    #expect(
      try Self.entries(folder.file("t"))
        == [.accesses(.init(kind: .fetch, vcpu: 1, count: 7, page: .init(9), linearPage: 8, accesses: 2))])
  }

  @Test(
    "broken off inside their column lose their block and those behind it, and no more",
    arguments: [RecordingColumn.loads, .fetches])
  func brokenOff(column: RecordingColumn) throws {
    let folder = Folder()
    try Sample.write(Sample.mixed(3000, seed: 12), to: folder.file("t"))
    let reader = try RecordingReader(path: folder.file("t"))
    try #require(reader.blocks.count > 4)
    let whole = try Data(contentsOf: URL(filePath: folder.file("t")))
    let (offset, entry) = try #require(reader.locate(column, of: 3))
    try #require(entry.storedBytes > 2)
    try whole.prefix(Int(offset) + entry.storedBytes / 2).write(to: URL(filePath: folder.file("broken")))
    let error = try #require(HostileFileTests.trouble(folder.file("broken")))
    #expect(error.kind == .truncated && error.description.contains("--salvage"))
    let salvaged = try RecordingReader(path: folder.file("broken"), salvage: true)
    #expect(salvaged.blocks == Array(reader.blocks.prefix(3)))
    #expect(HostileFileTests.trouble(folder.file("broken"), salvage: true) == nil)
  }

  @Test("of a text are those of the trace it was written from", arguments: ["csv", "jsonl"])
  func texts(format: String) throws {
    let folder = Folder()
    try Sample.write(Sample.mixed(1500, seed: 55), to: folder.file("a"))
    let first = try RecordingReader(path: folder.file("a"))
    if format == "csv" {
      try CSVExport.write(first, to: folder.file("text"))
    } else {
      try JSONLinesExport.write(first, to: folder.file("text"))
    }
    let text = try TextImport(format == "csv" ? .csv : nil, InputStream(path: folder.file("text")))
    let writer = try RecordingWriter(
      path: folder.file("b"), description: first.header.recording, options: .init(columns: text.columns, level: 1))
    _ = try text.convert(into: writer)
    let second = try RecordingReader(path: folder.file("b"))
    #expect(second.header == first.header && second.version == 2)
    let (before, after) = (try Self.entries(folder.file("a")), try Self.entries(folder.file("b")))
    #expect(before.count == after.count)
    for (index, (one, other)) in zip(before, after).enumerated() where one != other {
      Issue.record("record \(index): \(one) became \(other)")
      break
    }
  }

  @Test("with sound checksums and a lie in their column are refused in a sentence", arguments: 0..<7)
  func lies(lie: Int) throws {
    let folder = Folder()
    let path = folder.file("t")
    let writer = try RecordingWriter(
      path: path, description: Sample.description(), options: .init(columns: [.loads, .linearPages], level: 1))
    try writer.write(vcpu: 0, count: 1, gpa: .init(0x5ffc), gva: .init(0x5ffc), size: 8)
    try writer.accesses(.init(kind: .load, vcpu: 1, count: 5, page: .init(5), accesses: 2))
    _ = try writer.finish()
    #expect(HostileFileTests.trouble(path) == nil)
    // 24 bytes of front, a word, a gap, a clock.
    try Forge.rebuild(path) { _, column, bytes in
      guard column == .loads else { return }
      switch lie {
      case 0: bytes[0] = 2
      case 1: bytes.replaceSubrange(0..<8, with: [UInt8](repeating: 0xff, count: 8))
      case 2: bytes[8] = 1
      case 3: bytes[24] = 9  // a page beyond the limit
      case 4: bytes[32] = 3  // behind the end of the block
      case 5: bytes[32] = 1  // between the parts of the store
      default: bytes[31] = 1  // a flag
      }
    }
    let error = try #require(HostileFileTests.trouble(path), "\(lie)")
    #expect(error.column == .loads && error.kind == .damaged && !error.description.contains("\n"), "\(error)")
  }
}

@Suite("A cut's own instructions")
struct OwnInstructionsTests {
  @Test("begin where the part begins, of a cut of a cut too, and never before")
  func firstClocks() throws {
    let (folder, reader) = try RecordingCutTests.marked()
    #expect(reader.header.ownInstructions == reader.header.totals.instructions && reader.header.recording.part == nil)
    _ = try RecordingCut(from: "one", to: nil).write(reader, to: folder.file("cut"), level: 1)
    let cut = try RecordingReader(path: folder.file("cut"))
    #expect(
      cut.header.recording.cut
        == .init(from: "one", to: nil, digest: "\(try #require(reader.digest))", firstClocks: [40, 0]))
    #expect(cut.header.ownInstructions == [59, 0] && cut.version == 1)
    _ = try RecordingCut(from: nil, to: "two").write(cut, to: folder.file("again"), level: 1)
    let again = try RecordingReader(path: folder.file("again"))
    #expect(again.header.recording.cut?.firstClocks == [40, 0] && again.header.ownInstructions == [29, 0])
    _ = try RecordingCut(from: "two", to: nil).write(cut, to: folder.file("last"), level: 1)
    #expect(try RecordingReader(path: folder.file("last")).header.ownInstructions == [29, 0])
    // What is left of a cut when it ends at a mark of before it: events, and no instructions of its own.
    _ = try RecordingCut(from: nil, to: "one").write(
      RecordingReader(path: folder.file("last")), to: folder.file("nothing"), level: 1)
    #expect(try RecordingReader(path: folder.file("nothing")).header.ownInstructions == [0, 0])
  }

  @Test("of one without the field: the note says what it is a part of")
  func note() {
    let note = "Cut from mark set-kprobes to mark power-off out of the trace with digest 12ab; events before are kept."
    #expect(RecordingPart(note: note) == .init(from: "set-kprobes", to: "power-off", digest: "12ab"))
    #expect(RecordingPart(note: note)?.note == note)
    let whole = RecordingPart(from: nil, to: nil, digest: nil)
    #expect(RecordingPart(note: whole.note)?.from == nil && RecordingPart(note: whole.note)?.to == nil)
    #expect(RecordingPart(note: "Cut from the cloth") == nil && RecordingPart(note: "") == nil)
  }

  @Test(
    "are refused where a header has more of them than the recording",
    arguments: [[.max], [1], [1, 1, 1], [200, 0]] as [[UInt64]])
  func lies(clocks: [UInt64]) throws {
    let (folder, _) = try RecordingCutTests.marked()
    try Forge.header(of: folder.file("t")) {
      $0.recording.cut = .init(from: nil, to: nil, digest: nil, firstClocks: clocks)
    }
    let error = try #require(HostileFileTests.trouble(folder.file("t")))
    #expect(error.kind == .format && !error.description.contains("\n"), "\(error)")
  }
}
