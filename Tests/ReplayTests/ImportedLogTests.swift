import Addresses
import Foundation
import Recordings
import SeededRandom
import Testing

@testable import Replay

/// A log of another tool, imported and replayed under a policy.
@Suite("An imported log")
struct ImportedLogTests {
  /// A log of random stores to scattered pages, kept beside it.
  private struct Log {
    let folder: String
    var stores: [(address: UInt64, size: UInt64)] = []

    init(seed: UInt64, pages: [UInt64]) {
      folder = FileManager.default.temporaryDirectory.appendingPathComponent("gi-log-\(seed)-\(UUID().uuidString)").path
      try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      var random = SplitMix64(seed: seed)
      for _ in 0..<600 {
        let page = pages.randomElement(using: &random) ?? 0
        stores.append(
          (page << 12 | UInt64.random(in: 0..<4090, using: &random), UInt64.random(in: 1...16, using: &random)))
      }
    }

    /// Imports the log, and answers the trace's path; `name` tells several of one log apart.
    func imported(_ name: String, _ addresses: RecordingDescription.AddressSpace, numbersFrames: Bool = false) throws
      -> String
    {
      let text = stores.map { "0x\(String($0.address, radix: 16)),\($0.size)\n" }.joined()
      let log = folder + "/\(name).txt"
      try Data(text.utf8).write(to: URL(filePath: log))
      let source = try TextImport(
        .addresses, InputStream(path: log), options: .init(addresses: addresses, numbersFrames: numbersFrames))
      let trace = folder + "/\(name).trace"
      let writer = try RecordingWriter(
        path: trace, description: source.description(title: name), options: .init(columns: source.columns, level: 1))
      _ = try source.convert(into: writer)
      return trace
    }
  }

  private static func policy(_ key: String, _ ranges: [Range<UInt64>]) throws -> Policy {
    let regions = ranges.enumerated().map {
      "{\"name\":\"r\($0)\",\"\(key)\":\"0x\(String($1.lowerBound, radix: 16))\",\"bytes\":\($1.count)}"
    }
    return try Policy(
      json: Data("{\"schema\":1,\"name\":\"p\",\"regions\":[\(regions.joined(separator: ","))]}".utf8), origin: "p.json"
    )
  }

  private static func run(_ path: String, _ policy: Policy?) throws -> RunResult {
    let profile = try #require(try ProfileLibrary.profile(named: ProfileLibrary.defaultName))
    var request = ReplayRequest(
      tracePath: path, strategies: Strategy.all.filter { $0.missingFeatures(on: profile).isEmpty }, profile: profile,
      policy: policy, countersOnly: true)
    request.namesPages = true
    return try replay(request)
  }

  private static let pages: [UInt64] = [0x1fff000, 0x7ffd_9000_0, 0x4835, 0x4836, 0x55d0_0000_1, 0x9]

  @Test(
    "of virtual addresses notifies the stores to the policy's linear pages", arguments: [1, 2, 3])
  func linear(seed: UInt64) throws {
    let log = Log(seed: seed, pages: Self.pages)
    let ranges: [Range<UInt64>] = [0x1fff_000_100..<0x1fff_000_200, 0x4835_800..<0x4836_800, 0x6666_0000..<0x6666_1000]
    let result = try Self.run(log.imported("linear", .virtual), Self.policy("linear", ranges))
    // A store is noticed by the page it touches; both where it crosses a page end.
    let monitored: Set<UInt64> = [0x1fff_000, 0x4835, 0x4836]
    let owed = log.stores.count { store in
      monitored.contains(store.address >> 12) || monitored.contains((store.address + store.size - 1) >> 12)
    }
    #expect(owed > 100)
    for strategy in result.strategies where strategy.sound.value {
      #expect(strategy.notifications.count == UInt64(owed), "\(strategy.name)")
    }
    #expect(result.trace.addresses == "linear" && result.crosscheck.agree)
    #expect(result.trace.cautions?.contains("virtual addresses: pages are not frames") == true)
    // Reports speak of linear pages, not of frames.
    #expect(result.hottestPages.map { Set($0.pages.map(\.page)).isSubset(of: monitored) } == true)
    #expect(result.policy.regions?.map(\.gpa) == ranges.map(\.lowerBound))
    #expect(result.policy.regions?.map(\.bytes) == ranges.map { UInt64($0.count) })
  }

  @Test("of numbered frames gives the counts that its pages give as they are")
  func numbered() throws {
    let log = Log(seed: 9, pages: [0x10, 0x900, 0x901, 0x2000])
    let policy = try Self.policy("gpa", [0x10_100..<0x10_200, 0x900_ff0..<0x901_010])
    let plain = try Self.run(log.imported("plain", .guestPhysical), policy)
    let numbered = try Self.run(log.imported("numbered", .guestPhysical, numbersFrames: true), policy)
    #expect(numbered.trace.addresses == "guest-physical" && plain.trace.addresses == nil)
    #expect(plain.trace.pages == numbered.trace.pages && plain.trace.writes == numbered.trace.writes)
    for (one, other) in zip(plain.strategies, numbered.strategies) {
      #expect(one.notifications.count == other.notifications.count && one.notifications.count > 0, "\(one.name)")
      #expect(one.notifications.setDigest == other.notifications.setDigest, "\(one.name)")
      #expect(one.notifications.falseShare == other.notifications.falseShare, "\(one.name)")
    }
    #expect(plain.policy == numbered.policy)
    #expect(plain.hottestPages?.pages.map(\.page) == numbered.hottestPages?.pages.map(\.page))
  }

  @Test(
    "without a policy is a question that holds a policy which answers it",
    arguments: [RecordingDescription.AddressSpace.virtual, .guestPhysical])
  func question(addresses: RecordingDescription.AddressSpace) throws {
    var log = Log(seed: 4, pages: [0x4, 0x5, 0x6, 0x7])
    // Page 5 is the hottest, then 7, then 4.
    for (page, times) in [(0x5, 900), (0x7, 600), (0x4, 300)] as [(UInt64, Int)] {
      log.stores += Array(repeating: (page << 12, 8), count: times)
    }
    let path = try log.imported("question", addresses)
    let question = try #require(throws: ProtectionQuestion.self) { try Self.run(path, nil) }
    #expect(question.description.contains("what is to be protected?") && !question.description.contains("\n"))
    let start = try #require(question.description.firstIndex(of: "{"))
    let example = try Policy(json: Data(question.description[start...].utf8), origin: "example")
    #expect(example.regions.map(\.name) == ["0x5000", "0x7000", "0x4000"])
    let result = try Self.run(path, example)
    #expect(result.strategies.allSatisfy { $0.notifications.count > 0 })
  }

  @Test("knows the memory of its guest only where somebody said it")
  func memory() throws {
    let log = Log(seed: 5, pages: [0x10])
    let path = try log.imported("memory", .guestPhysical)
    let policy = try Self.policy("gpa", [0x900_0000..<0x900_1000])
    let error = try #require(throws: ReplayError.self) { try Self.run(path, policy) }
    #expect(error.description.contains("import it again with --ram SIZE"))
  }

  @Test("is asked in its own kind of address")
  func kinds() throws {
    let log = Log(seed: 6, pages: [0x10])
    let linear = try #require(throws: ReplayError.self) {
      try Self.run(log.imported("a", .guestPhysical), Self.policy("linear", [0x10_000..<0x11_000]))
    }
    #expect(linear.description.contains("say gpa, not linear"))
    let physical = try #require(throws: ReplayError.self) {
      try Self.run(log.imported("b", .virtual), Self.policy("gpa", [0x10_000..<0x11_000]))
    }
    #expect(physical.description.contains("say linear, not gpa"))
  }
}
