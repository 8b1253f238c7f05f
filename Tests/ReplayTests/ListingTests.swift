import Foundation
import GuestIntegrity
import Recordings
import Synchronization
import Testing

@testable import Replay

@Suite("A listing of notifications")
struct ListingTests {
  private let profile: CycleProfile
  private let path: String

  init() throws {
    profile = try #require(try ProfileLibrary.profile(named: "icelake-sp"))
    path = FileManager.default.temporaryDirectory.appendingPathComponent("gi-listing-\(UUID()).trace").path
    try RandomDriverTrace.write(to: path, seed: 23)
  }

  private final class Listed: Sendable {
    let rows = Mutex<[ListedNotification]>([])
    func add(_ row: ListedNotification) { rows.withLock { $0.append(row) } }
    var all: [ListedNotification] { rows.withLock(\.self) }
  }

  private func request(_ consumer: Consumer = .poll) -> ReplayRequest {
    var request = ReplayRequest(tracePath: path, strategies: Strategy.all, profile: profile, countersOnly: true)
    request.latency = LatencySetting(consumer: consumer)
    request.namesPages = true
    return request
  }

  private func listed(_ request: ReplayRequest) throws -> (RunResult, [String: [ListedNotification]]) {
    let listed = Listed()
    var request = request
    request.notified = { listed.add($0) }
    return (try replay(request), Dictionary(grouping: listed.all, by: \.strategy))
  }

  @Test("changes nothing of the result, and neither do pictures")
  func sameResult() throws {
    defer { unlink(path) }
    let plain = try replay(request())
    #expect(try listed(request()).0 == plain)
    var pictured = request()
    pictured.isPictured = true
    var result = try replay(pictured)
    #expect(result.pictures != nil)
    result.pictures = nil
    #expect(result == plain)
  }

  @Test("holds every notification once, with the number and the set that the result tells")
  func complete() throws {
    defer { unlink(path) }
    let (result, rows) = try listed(request())
    for strategy in result.strategies {
      let mine = rows[strategy.name] ?? []
      #expect(mine.map(\.number).sorted() == (1...UInt64(mine.count)).map(\.self), "\(strategy.name)")
      let stores = mine.filter { !$0.isByWalker }
      var set = StoreSet()
      for row in stores { set.insert(row.store) }
      #expect(set.text == strategy.notifications.setDigest, "\(strategy.name)")
      let kinds = Dictionary(grouping: stores, by: \.kind).mapValues { UInt64($0.count) }
      #expect(kinds["protected", default: 0] == strategy.notifications.byKind.protected)
      #expect(kinds["gi_data", default: 0] == strategy.notifications.byKind.giData)
      #expect(mine.count { $0.kind == "protected" && $0.touches != "bytes" } == Int(strategy.notifications.falseShare))
    }
  }

  @Test("tells latencies whose percentiles are the result's, and who was lost", arguments: [1024, 1])
  func latencies(ring: Int) throws {
    defer { unlink(path) }
    let slow = Bracket(low: 22_000, value: 22_000, high: 22_000)
    let consumer =
      ring == 1 ? Consumer(name: "slow", slots: 1, service: .constant(slow), whenFull: .lose) : .poll
    let (result, rows) = try listed(request(consumer))
    for strategy in result.strategies {
      let all = rows[strategy.name] ?? []
      let mine = all.filter { $0.lateInstructions == nil }
      #expect(all.allSatisfy { $0.lateInstructions == nil || $0.raised == nil && !$0.isLost })
      let (listed, told) = (Double(mine.count(where: \.isLost)), strategy.notifications.consumer?.lost.value ?? 0)
      // Where a tool outside is asked about every refused store, questions are lost, too.
      #expect(strategy.name == "vm-event" ? listed <= told : listed == told, "\(strategy.name)")
      guard strategy.notifications.raisedCycles != nil else {
        #expect(mine.isEmpty)
        continue
      }
      try compare(mine.map(\.raised), with: strategy.notifications.raisedCycles)
      try compare(mine.map(\.delivered), with: strategy.notifications.deliveredCycles)
      if mine.count == all.count { try compare(mine.map(\.stall), with: strategy.notifications.stallCycles) }
      for row in mine where !row.isLost {
        let (raised, delivered) = (try #require(row.raised), try #require(row.delivered))
        #expect(raised.low <= raised.value && raised.value <= raised.high && raised.value < delivered.value)
      }
      // A vCPU that stands still issues no store.
      for vcpu in 0..<2 {
        let own = mine.filter { $0.vcpu == vcpu }.sorted { $0.number < $1.number }
        for (earlier, later) in zip(own, own.dropFirst()) {
          let (issued, before) = (try #require(later.issued), try #require(earlier.issued))
          let stall = try #require(earlier.stall).value
          #expect(issued + 1e-6 >= before + stall)
        }
      }
    }
  }

  /// Holds the values of brackets against percentiles of histograms, which keep three digits.
  private func compare(_ brackets: [Bracket?], with percentiles: LatencyPercentiles?) throws {
    let values = brackets.compactMap { $0?.value }.sorted()
    let (median, greatest) = (values[(values.count - 1) / 2], try #require(values.last))
    let (p50, max) = (try #require(percentiles?.p50.value), try #require(percentiles?.max.value))
    let (first, last) = (Swift.abs(p50 - median), Swift.abs(max - greatest))
    #expect(first <= median / 500 + 1 && last <= greatest / 500 + 1)
  }

  @Test("places each where the recording has it: store, vCPU, address, size, windows before")
  func places() throws {
    defer { unlink(path) }
    let (_, rows) = try listed(request())
    var records: [UInt64: (write: RecordedWrite, windows: UInt64)] = [:]
    var windows: UInt64 = 0
    let reader = try RecordingReader(path: path)
    try reader.forEachRecord { record in
      switch record {
      case .write(let write): records[UInt64(records.count)] = (write, windows)
      case .event(.hypercall(let call)) where call.number == HypercallNumber.enter.rawValue: windows += 1
      case .event, .accesses: break
      }
      return true
    }
    #expect(windows > 0)
    for row in rows.values.joined() {
      let (write, windows) = try #require(records[row.store])
      // Of a store that crosses a page's end, the second part alone may be what was refused.
      let rest = write.rest?.rawValue ?? write.gpa.page.rawValue + 1
      let isSecondPart = row.address.rawValue == rest << 12 && row.bytes < write.size
      #expect(row.vcpu == write.vcpu && (row.address == write.gpa || isSecondPart), "\(row)")
      // A log has the pages, each with its part.
      #expect(
        row.bytes == write.size || isSecondPart || row.lateInstructions != nil && row.bytes < write.size, "\(row)")
      #expect(row.lateInstructions != nil || row.windows == windows, "\(row)")
      #expect(row.lateInstructions != nil || row.kind != "protected" || row.region != nil)
    }
  }

  @Test("agrees with the cross-check on the stores that differ, which names the first of them")
  func differences() throws {
    defer { unlink(path) }
    let (result, rows) = try listed(request())
    func stores(_ name: String) -> Set<UInt64> {
      Set((rows[name] ?? []).filter { !$0.isByWalker }.map(\.store))
    }
    let all = stores("eptp-exit")
    var told = 0
    for strategy in Strategy.all where strategy.contract == .everyStore && strategy.name != "eptp-exit" {
      let mine = stores(strategy.name)
      let differing = result.crosscheck.stores?.first { $0.strategy == strategy.name }
      #expect(differing?.missed ?? 0 == UInt64(all.subtracting(mine).count), "\(strategy.name)")
      #expect(differing?.extra ?? 0 == UInt64(mine.subtracting(all).count), "\(strategy.name)")
      let expected = all.symmetricDifference(mine).sorted().prefix(DifferingStores.limit)
      #expect(differing?.first.map(\.store) ?? [] == Array(expected), "\(strategy.name)")
      told += expected.count
    }
    #expect(told > 0, "some strategy must miss some store, or this proves nothing")
  }

  @Test("ends the replay with the error of whoever writes it")
  func failure() throws {
    defer { unlink(path) }
    struct Full: Error {}
    var request = request()
    request.notified = { _ in throw Full() }
    #expect(throws: Full.self) { try replay(request) }
  }

  @Test("and pictures count the same")
  func pictures() throws {
    defer { unlink(path) }
    var request = request()
    request.isPictured = true
    let (result, rows) = try listed(request)
    let pictures = try #require(result.pictures)
    let mine = (rows[pictures.strategy] ?? []).sorted { $0.number < $1.number }
    #expect(pictures.count == UInt64(mine.count) && !mine.isEmpty)
    func sum(_ strips: [RunPictures.Strip]) -> UInt64 { strips.flatMap(\.cells).reduce(0, +) }
    #expect(sum(pictures.byVCPU) == pictures.count && sum(pictures.byTarget) == pictures.count)
    #expect(pictures.byVCPU.map { $0.cells.reduce(0, +) } == (0..<2).map { v in UInt64(mine.count { $0.vcpu == v }) })
    #expect(Set(pictures.first.map(\.number)).isSubset(of: mine.map(\.number)))
    let stall = try #require(pictures.stages.first { $0.strategy == pictures.strategy }).cycles.reduce(0, +)
    let overhead = try #require(result.strategies.first { $0.name == pictures.strategy }).guestStallCycles.value
    #expect(abs(stall * Double(mine.count) - overhead) < 1)
    for curves in pictures.curves where !curves.delivered.isEmpty {
      let cycles = curves.delivered.map(\.cycles.value)
      #expect(cycles == cycles.sorted() && curves.delivered.last?.share == 1)
      let delivered = rows[curves.strategy]?.count { $0.delivered != nil } ?? 0
      #expect(curves.deliveredRanges.map(\.count).reduce(0, +) == UInt64(delivered))
    }
  }
}
