import Foundation
import Testing

@testable import Recordings

@Suite("A cut")
struct RecordingCutTests {
  static func marked() throws -> (Folder, RecordingReader) {
    let folder = Folder()
    var description = Sample.description()
    description.marks = [.init(id: 1, name: "one"), .init(id: 2, name: "two"), .init(id: 3, name: "never")]
    description.groundTruth = [
      .init(attack: "A", act: "first", kind: .write, mark: "one", gpa: 0, bytes: 1, expected: "none"),
      .init(attack: "B", act: "second", kind: .write, mark: "two", gpa: 0, bytes: 1, expected: "none"),
      .init(attack: "C", act: "call", kind: .hypercall, mark: "one", gpa: 0x7000, bytes: 7, expected: "refused"),
    ]
    let writer = try RecordingWriter(
      path: folder.file("t"), description: description,
      options: .init(columns: [.steps, .linearPages], level: 1, runsPerBlock: 3))
    for index in 0..<100 as Range<UInt64> {
      if index == 10 { try writer.event(.cr3(.init(vcpu: 0, count: index, value: 0x1000))) }
      if index == 40 { try writer.event(.mark(.init(vcpu: 0, count: index, id: 1, rip: .init(0)))) }
      if index == 70 { try writer.event(.mark(.init(vcpu: 0, count: index, id: 2, rip: .init(0)))) }
      try writer.write(vcpu: 0, count: index, gpa: .init(index << 11), gva: .init(index << 11), size: 8)
    }
    _ = try writer.finish()
    return (folder, try RecordingReader(path: folder.file("t")))
  }

  @Test(
    "holds the stores of its part, the events of before, and the truth of what is left",
    arguments: [
      ("one", "two", 40..<70, ["A", "C"], [1]), (nil, "one", 0..<40, [], []),
      ("two", nil, 70..<100, ["B", "C"], [1, 2]),
      (nil, nil, 0..<100, ["A", "B", "C"], [1, 2]),
    ]
      as [(String?, String?, Range<UInt64>, [String], [UInt64])])
  func part(from: String?, to: String?, stores: Range<UInt64>, attacks: [String], kept: [UInt64]) throws {
    let (folder, reader) = try Self.marked()
    _ = try RecordingCut(from: from, to: to).write(reader, to: folder.file("cut"), level: 1)
    let cut = try RecordingReader(path: folder.file("cut"))
    var counts: [UInt64] = []
    var loads = 0
    var marks: [UInt64] = []
    try cut.forEachRecord { record in
      switch record {
      case .write(let write): counts.append(write.count)
      case .event(.cr3): loads += 1
      case .event(.mark(let mark)): marks.append(mark.id)
      case .event, .accesses: break
      }
      return true
    }
    #expect(counts == Array(stores) && loads == 1 && marks == kept)
    #expect(cut.header.recording.groundTruth.map(\.attack) == attacks)
    #expect(cut.header.recording.notes.last?.contains("\(reader.digest.map { "\($0)" } ?? "?")") == true)
  }

  @Test("at a mark that is not there is refused", arguments: ["nowhere", "never"])
  func missing(name: String) throws {
    let (folder, reader) = try Self.marked()
    #expect(throws: RecordingError.self) { try RecordingCut(from: name, to: nil).write(reader, to: folder.file("cut")) }
    #expect(throws: RecordingError.self) {
      try RecordingCut(from: "two", to: "one").write(reader, to: folder.file("cut"))
    }
    #expect(folder.names == ["t"])
  }
}

@Suite("A generated trace")
struct RecordingGeneratorTests {
  @Test(
    "is the same for the same seed, another for another, sound, and says that it is synthetic",
    arguments: Workload.allCases)
  func repeatable(workload: Workload) throws {
    let folder = Folder()
    func make(_ name: String, seed: UInt64) throws -> RecordingWriter.Summary {
      try RecordingGenerator(workload: workload, seed: seed, writes: 30_000, pages: 500, vcpus: 3).write(
        to: folder.file(name))
    }
    let first = try make("a", seed: 1)
    #expect(try make("b", seed: 1).digest == first.digest)
    #expect(try make("c", seed: 2).digest != first.digest)
    #expect(first.header.recording.origin == .synthetic && first.header.recording.title.hasPrefix("Synthetic"))
    #expect(first.header.totals.writes == 30_000 && first.header.totals.vcpus == 3)
    #expect(try RecordingCheck.findings(in: RecordingReader(path: folder.file("a"))) == [])
  }

  @Test("has the shape its workload promises")
  func shape() throws {
    let folder = Folder()
    func statistics(_ workload: Workload) throws -> RecordingStatistics {
      let path = folder.file(workload.rawValue)
      _ = try RecordingGenerator(workload: workload, seed: 9, writes: 51_200, pages: 1000, vcpus: 1).write(to: path)
      return try RecordingStatistics(RecordingReader(path: path), slices: 4, hottest: 1)
    }
    #expect(try statistics(.scan).runs == 100 && statistics(.scan).pages == 100)
    #expect(try statistics(.uniform).runs > 51_000 && statistics(.uniform).pages == 1000)
    #expect(try statistics(.stride).runs == 51_200 && statistics(.stride).pages == 1000)
    // The first page of a harmonic distribution over 1000 pages gets a share of 1 / 7.49.
    let hottest = try statistics(.zipf).hottest
    #expect(hottest.first?.page == 0 && (6500...7200).contains(hottest.first?.accesses ?? 0))
    let adversarial = try RecordingReader(path: folder.file("adversarial"), statistics(.adversarial))
    #expect(adversarial.header.totals.accesses - adversarial.header.totals.writes == 12_800)
  }
}

extension RecordingReader {
  /// Opens a file that making the statistics has written.
  fileprivate convenience init(path: String, _ made: RecordingStatistics) throws { try self.init(path: path) }
}

@Suite("Statistics")
struct RecordingStatisticsTests {
  @Test("agree with counting record by record", arguments: [1, 2, 3] as [UInt64])
  func model(seed: UInt64) throws {
    let folder = Folder()
    let records = Sample.records(3000, seed: seed)
    var description = Sample.description()
    description.regions = [
      // One region in two ranges, the end before the start: an access to both counts once.
      .init(id: 1, name: "low", gpa: 0x20_0004, bytes: 0x30_07fc), .init(id: 2, name: "tiny", gpa: 0x12_3456, bytes: 3),
      .init(id: 1, name: "low", gpa: 0x10_0800, bytes: 0xf_f804),
      .init(id: 3, name: "nothing", gpa: 5, bytes: 0),
    ]
    let writer = try RecordingWriter(
      path: folder.file("t"), description: description, options: .init(level: 1, runsPerBlock: 77))
    var touched: [UInt64: UInt64] = [:]
    var exact: UInt64 = 0
    var byPage: UInt64 = 0
    for case .store(let store) in records {
      try writer.write(
        vcpu: store.vcpu, count: store.count, gpa: .init(store.gpa), gva: .init(store.gva), size: store.size)
      let room = Int(4096 - store.gpa & 0xfff)
      for (start, size) in [(store.gpa, min(store.size, room)), (store.gpa + UInt64(room), store.size - room)]
      where size > 0 {
        touched[start >> 12, default: 0] += 1
        byPage += (0x100...0x500).contains(start >> 12) ? 1 : 0
        exact += start < 0x50_0800 && start + UInt64(size) > 0x10_0800 ? 1 : 0
      }
    }
    _ = try writer.finish()
    let statistics = try RecordingStatistics(RecordingReader(path: folder.file("t")), slices: 7, hottest: 3)
    #expect(statistics.pages == UInt64(touched.count))
    #expect(statistics.regions.map(\.name) == ["low", "tiny"])
    #expect(statistics.regions[0].pages == 0x401 && statistics.regions[1].pages == 1)
    #expect(statistics.regions[0].byPage == byPage && statistics.regions[0].exact == exact)
    #expect(statistics.hottest.first?.accesses == touched.values.max())
    #expect(statistics.slices.reduce(0) { $0 + $1.writes } == statistics.writes)
    #expect(statistics.slices.reduce(0) { $0 + $1.newPages } == statistics.pages)
    #expect(statistics.runLengths.reduce(0) { $0 + $1.runs } == statistics.runs)
  }
}

@Suite("Statistics from a mark")
struct RecordingStatisticsFromMarkTests {
  @Test("count what follows it, in as many slices as asked for")
  func part() throws {
    let (folder, reader) = try RecordingCutTests.marked()
    let statistics = try RecordingStatistics(reader, slices: 5, from: "two")
    #expect(statistics.writes == 30 && statistics.slices.map(\.writes) == [6, 6, 6, 6, 6])
    #expect(throws: RecordingError.self) { try RecordingStatistics(reader, from: "nowhere") }
    #expect(folder.names == ["t"])
  }
}

@Suite("The export for Perfetto")
struct PerfettoTests {
  @Test("is JSON whose counters add up to the stores, with every mark and window")
  func export() throws {
    let (folder, reader) = try RecordingCutTests.marked()
    try PerfettoExport.write(reader, to: folder.file("json"), slices: 10)
    let json = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: folder.file("json"))))
    let events = try #require((json as? [String: Any])?["traceEvents"] as? [[String: Any]])
    let stores = events.filter { $0["name"] as? String == "stores" }.compactMap { $0["args"] as? [String: Int] }
    #expect(stores.reduce(0) { $0 + $1.values.reduce(0, +) } == 100)
    #expect(events.filter { $0["ph"] as? String == "i" }.compactMap { $0["name"] as? String } == ["one", "two"])
  }
}
