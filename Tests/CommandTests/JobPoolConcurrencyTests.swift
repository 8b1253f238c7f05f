import Replay
import Synchronization
import Testing

@testable import gi_bench

@Suite("Jobs at the same time")
struct JobPoolConcurrencyTests {
  private struct Failure: Error, Equatable { var index: Int }

  @Test("do each piece of work once, begun in order", arguments: [1, 2, 7])
  func once(jobs: Int) throws {
    let begun = Mutex<[Int]>([])
    let atOnce = Mutex((now: 0, most: 0))
    try JobPool.run(500, jobs: jobs) { index in
      atOnce.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
      begun.withLock { $0.append(index) }
      atOnce.withLock { $0.now -= 1 }
    }
    #expect(begun.withLock { $0.sorted() } == Array(0..<500))
    #expect(atOnce.withLock { $0.most } <= jobs)
  }

  @Test("begin nothing more behind a failure, and tell the least of those that failed", arguments: [1, 2, 7])
  func failure(jobs: Int) {
    let begun = Mutex(0)
    #expect(throws: Failure(index: 20)) {
      try JobPool.run(10_000, jobs: jobs) { index in
        begun.withLock { $0 += 1 }
        if index >= 20 { throw Failure(index: index) }
      }
    }
    #expect((21...20 + jobs).contains(begun.withLock { $0 }))
  }

  @Test("replay as one after the other does")
  func replays() throws {
    let trace = Program.root + "/traces/quick.trace"
    let profile = try #require(try ProfileLibrary.profile(named: "icelake-sp"))
    let requests = ["filter", "pml", "eptp-exit"].compactMap { Strategy.named($0) }.map {
      ReplayRequest(tracePath: trace, strategies: [$0], profile: profile, countersOnly: true)
    }
    let alone = try requests.map { try replay($0).strategies.map(\.counts) }
    let found = Mutex([Int: [[String: UInt64]]]())
    try JobPool.run(requests.count, jobs: 3) { index in
      let counts = try replay(requests[index]).strategies.map(\.counts)
      found.withLock { $0[index] = counts }
    }
    #expect(found.withLock { found in requests.indices.map { found[$0] } } == alone)
  }
}
