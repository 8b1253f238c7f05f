import SeededRandom
import Addresses
import Glibc
import Synchronization
import Testing

@testable import MonitorTree

/// Runs pieces of work at the same time, each on a thread of its own, and waits for all of them.
func concurrently(_ work: [@Sendable () -> Void]) {
  final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  let threads = work.map { body in
    var thread = pthread_t()
    let context = Unmanaged.passRetained(Box(body)).toOpaque()
    let entry: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { context in
      Unmanaged<Box>.fromOpaque(context!).takeRetainedValue().body()
      return nil
    }
    precondition(pthread_create(&thread, nil, entry, context) == 0)
    return thread
  }
  for thread in threads { pthread_join(thread, nil) }
}

@Suite("Readers and a writer at the same time")
struct ConcurrencyTests {
  static let total: UInt64 = 160

  /// What one look-up of a reader saw, and between which versions it was made.
  struct Observation {
    var first: Int
    var last: Int
    var page: UInt64
    /// The run's last page; equal to `page` for a look-up of one page.
    var end: UInt64
    var finding: Finding
  }

  /// What every reader shares with the writer.
  final class Log: @unchecked Sendable {
    /// The number of the version being published, and of the version published last.
    let begun = Atomic(0)
    let published = Atomic(0)
    let writerIsDone = Atomic(false)
    /// Written by the writer only, read when all threads have ended.
    var versions: [PageModel] = []
  }

  /// What one reader saw; written by its thread only, read when all threads have ended.
  final class Observations: @unchecked Sendable {
    var all: [Observation] = []
  }

  /// Logs when a version begins to be published and when it is.
  struct LoggingStore: GuestStore {
    var inner: DirectStore
    let log: Log

    mutating func store(_ value: UInt64, at address: GuestPhysicalAddress) -> Bool { inner.store(value, at: address) }

    mutating func publish(_ reference: NodeReference, at base: BasePointer) -> Bool {
      log.begun.wrappingAdd(1, ordering: .sequentiallyConsistent)
      base.publish(reference)
      log.published.wrappingAdd(1, ordering: .sequentiallyConsistent)
      return true
    }
  }

  @Test("every answer is that of one version of the tree, current at some time during the look-up", arguments: 1...4)
  func linearizable(seed: UInt64) throws {
    let readers = 3
    let changes = 400
    let guest = TestGuest(pages: Self.total, readers: readers)
    // Few pages: each is used again and again while readers walk.
    let writer = try guest.writer(slab: pages(100, 60))
    var first = PageModel(pages: Self.total)
    first.insert(pages(100, 60), [.blockWrite], .tree)
    let log = Log()
    let observations = (0..<readers).map { _ in Observations() }
    log.versions.append(first)
    nonisolated(unsafe) let write: () -> Void = {
      var random = SplitMix64(seed: seed)
      var store = LoggingStore(inner: guest.store, log: log)
      var made = 0
      while made < changes {
        var model = log.versions[made]
        let range = pages(UInt64.random(in: 0..<80, using: &random), UInt64.random(in: 1...20, using: &random))
        let region = RegionID(UInt16.random(in: 1...3, using: &random))
        let actions: AlertActions = [.count, .log, .notify].randomElement(using: &random)!
        do {
          let change: TreeWriter.Change
          switch Int.random(in: 0..<6, using: &random) {
          case 0...2:
            model.insert(range, actions, region)
            change = try writer.insert(range, actions: actions, region: region, through: &store)
          case 3:
            model.remove(range, nil)
            change = try writer.remove(range, region: nil, through: &store)
          case 4:
            model.setActions(range, actions, nil)
            change = try writer.setActions(range, actions: actions, region: nil, through: &store)
          default:
            change = try writer.compact(through: &store)
          }
          guard change.nodesWritten > 0 else { continue }
          log.versions.append(model)
          made += 1
        } catch TreeError.outOfPages {
          // Readers hold all retired pages; they will pass.
          sched_yield()
        } catch {
          Issue.record("seed \(seed): \(error)")
          break
        }
      }
      log.writerIsDone.store(true, ordering: .releasing)
    }
    nonisolated(unsafe) var work: [() -> Void] = [write]
    for index in 0..<readers {
      work.append {
        let reader = TreeReader(index, of: guest.base, memory: guest.memory)!
        var random = SplitMix64(seed: seed << 8 | UInt64(index))
        var seen: [Observation] = []
        while !log.writerIsDone.load(ordering: .acquiring) || seen.count < 1000 {
          guard seen.count < 150_000 else { break }
          let page = UInt64.random(in: 0..<Self.total, using: &random)
          let isRun = UInt64.random(in: 0..<4, using: &random) == 0
          let end = isRun ? min(page + 9, Self.total - 1) : page
          let first = log.published.load(ordering: .sequentiallyConsistent)
          let finding =
            isRun
            ? reader.tree.find(pages(page, end - page + 1)) : reader.tree.find(MonitorTreeTests.page(page))
          let last = log.begun.load(ordering: .sequentiallyConsistent)
          seen.append(Observation(first: first, last: last, page: page, end: end, finding: finding))
          if seen.count % 16 == 0 { reader.quiescent() }
        }
        reader.goOffline()
        observations[index].all = seen
      }
    }
    nonisolated(unsafe) let all = work
    concurrently((0..<all.count).map { index in { @Sendable in all[index]() } })

    var overlapping = 0
    for observation in observations.map(\.all).joined() {
      let range = pages(observation.page, observation.end - observation.page + 1)
      let versions = observation.first...observation.last
      overlapping += versions.count > 1 ? 1 : 0
      let fits = versions.contains { version in
        let model = log.versions[min(version, log.versions.count - 1)]
        return observation.page == observation.end
          ? model.objection(to: observation.finding.answer, about: observation.page) == nil
          : model.objection(to: observation.finding, about: range) == nil
      }
      try #require(fits, "seed \(seed): \(observation) fits none of versions \(versions)")
    }
    #expect(guest.tree.check() == [])
    let lookUps = observations.map(\.all.count).reduce(0, +)
    CaseCount.operations.add(changes)
    CaseCount.interleavings.add(overlapping)
    print("linearizability: seed \(seed), \(changes) changes, \(lookUps) look-ups, \(overlapping) during a publication")
  }

  @Test("a writer that stalls in the middle of a change delays no reader and shows it nothing")
  func stalledWriter() throws {
    struct StallingStore: GuestStore {
      var inner: DirectStore
      let reached: Atomic<Int>.Pointer
      mutating func store(_ value: UInt64, at address: GuestPhysicalAddress) -> Bool {
        guard inner.store(value, at: address) else { return false }
        reached.value.wrappingAdd(1, ordering: .releasing)
        // The readers' 50 000 look-ups are all made while the writer stands at this store.
        while reached.value.load(ordering: .acquiring) == 700 { sched_yield() }
        return true
      }
    }
    let guest = TestGuest(pages: 200, readers: 1)
    let writer = try guest.writer(slab: pages(100, 50))
    var store = guest.store
    try writer.insert(pages(10, 5), actions: .log, region: RegionID(1), through: &store)
    let reached = Atomic<Int>.Pointer()
    nonisolated(unsafe) let one = writer
    concurrently([
      {
        var store = StallingStore(inner: guest.store, reached: reached)
        _ = try? one.insert(pages(12, 30), actions: .notify, region: RegionID(2), through: &store)
      },
      {
        while reached.value.load(ordering: .acquiring) < 700 { sched_yield() }
        let reader = TreeReader(0, of: guest.base, memory: guest.memory)!
        for _ in 0..<50_000 {
          precondition(reader.tree.find(page(12)).actions == .log)
          precondition(reader.tree.find(page(30)).answer == .notMine)
          reader.quiescent()
        }
        reader.goOffline()
        reached.value.wrappingAdd(1, ordering: .releasing)
      },
    ])
    #expect(guest.tree.find(page(12)).actions == [.log, .notify])
    #expect(guest.tree.find(page(30)).actions == .notify)
  }

  @Test("a reader that stalls keeps the nodes it may be in, and nothing else")
  func stalledReader() throws {
    let guest = TestGuest(pages: 300, readers: 2)
    let writer = try guest.writer(slab: pages(100, 40))
    var store = guest.store
    try writer.insert(pages(10, 5), actions: .log, region: RegionID(1), through: &store)
    let stalled = TreeReader(0, of: guest.base, memory: guest.memory)!
    let old = stalled.tree.snapshot
    let busy = TreeReader(1, of: guest.base, memory: guest.memory)!
    var changes = 0
    var actions: AlertActions = .count
    do {
      while changes < 1000 {
        try writer.setActions(pages(10, 5), actions: actions, region: nil, through: &store)
        actions.formSymmetricDifference([.count, .notify])
        busy.quiescent()
        changes += 1
      }
      Issue.record("pages were used again under a reader")
    } catch TreeError.outOfPages {}
    #expect(changes > 5)
    #expect(writer.counters.freePages < 3)
    // Nothing the stalled reader may be in was written.
    #expect(stalled.tree.find(page(12), from: old).actions == .log)
    stalled.quiescent()
    try writer.setActions(pages(10, 5), actions: .suspend, region: nil, through: &store)
    #expect(writer.counters.retiredPages > 0)
    busy.quiescent()
    stalled.goOffline()
    try writer.setActions(pages(10, 5), actions: .count, region: nil, through: &store)
    busy.quiescent()
    try writer.setActions(pages(10, 5), actions: .log, region: nil, through: &store)
    // All but the last change's nodes are free again.
    #expect(writer.counters.retiredPages <= 3)
    #expect(guest.tree.find(page(12)).actions == .log)
  }
}

extension Atomic where Value == Int {
  /// A shared atomic number.
  final class Pointer: Sendable {
    let value = Atomic<Int>(0)
  }
}
