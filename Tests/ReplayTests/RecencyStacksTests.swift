import Addresses
import SeededRandom
import Testing
import Recordings

@testable import Replay

@Suite("What is known of first-level TLBs")
struct RecencyStacksTests {
  private static let vcpus = 3

  /// First-level TLBs that look at every run they are given. A special run is cached or not, as a strategy may have it.
  private final class TLBs {
    private let memory = CacheMemory()
    let caches: [SetAssociativeCache]

    init(_ geometry: (sets: Int, ways: Int)) {
      caches = (0..<RecencyStacksTests.vcpus).map { [memory] _ in
        SetAssociativeCache(entries: geometry.sets * geometry.ways, ways: geometry.ways, in: memory)
      }
    }

    func look(at run: Run, isRefused: Bool) {
      let key = TranslationKey.key(of: run)
      if !caches[run.vcpu].hit(key), !isRefused { caches[run.vcpu].insert(key) }
    }

    /// Every set's keys, most recent first.
    var contents: [[UInt32]] {
      caches.map { cache in (0..<(Int(cache.setMask) + 1) * cache.ways).map { cache.keys[$0] } }
    }
  }

  /// What is stripped, and by which watched pages.
  private final class Known {
    let stacks: RecencyStacks
    let watched = PageMarks(pages: 64, most: 64)

    init(vcpus: Int, sets: Int, ways: Int, watching pages: StrideTo<UInt64>) {
      stacks = RecencyStacks(vcpus: vcpus, sets: UInt32(sets), ways: ways)
      for page in pages { watched.insert(PageRange(page: .init(page))) }
    }

    func strip(_ indices: inout [UInt32], of runs: [Run]) -> Int {
      runs.withUnsafeBufferPointer { runs in
        indices.withUnsafeMutableBufferPointer {
          stacks.strip($0.baseAddress!, count: runs.count, of: runs.baseAddress!, watched: watched)
        }
      }
    }
  }

  @Test(
    "leaves every set in the order that looking at every run gives it, at the end and wherever it is asked for",
    arguments: [(1, 16), (4, 2), (16, 4), (2, 1), (1, 3)] as [(sets: Int, ways: Int)], 0..<12 as Range<UInt64>)
  func order(geometry: (sets: Int, ways: Int), seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let known = Known(
      vcpus: Self.vcpus, sets: geometry.sets, ways: geometry.ways, watching: stride(from: 5, to: 64, by: 8))
    let (every, told) = (TLBs(geometry), TLBs(geometry))
    for round in 0..<12 {
      // Few pages, of which one in eight is watched, so that hits of all depths abound.
      var page: UInt64 = 0
      let runs = (0..<300).map { _ in
        if Int.random(in: 0..<3, using: &random) > 0 {
          page = UInt64.random(in: 0..<UInt64(2 * geometry.sets * geometry.ways + 2), using: &random)
        }
        return Run(page: .init(page), accesses: 1, vcpu: Int.random(in: 0..<Self.vcpus, using: &random))
      }
      func isSpecial(_ index: Int) -> Bool { runs[index].page.rawValue % 8 == 5 }
      func isRefused(_ index: Int) -> Bool { isSpecial(index) && (index ^ round) & 1 == 0 }
      var indices = runs.indices.map(UInt32.init)
      let count = known.strip(&indices, of: runs)
      #expect(count < runs.count, "seed \(seed): nothing is left out")
      let touches = Array(indices[..<count])
      // Somewhere in every other round caches lose entries: what is known must be brought in order there, and forgotten.
      let firsts = touches.indices.filter { here in !touches[..<here].contains { $0 >= touches[here] } }
      let end = round % 2 == 0 ? touches.count - 1 : firsts.randomElement(using: &random) ?? 0
      for touch in touches[...end] { told.look(at: runs[Int(touch)], isRefused: isRefused(Int(touch))) }
      let last = round % 2 == 0 ? runs.count - 1 : Int(touches[end])
      for index in 0...last { every.look(at: runs[index], isRefused: isRefused(index)) }
      if round % 2 != 0 {
        runs.withUnsafeBufferPointer { runs in
          touches.withUnsafeBufferPointer { touches in
            known.stacks.settle(runs, from: 0, to: last, told: touches[...end]) { told.look(at: $0, isRefused: true) }
          }
        }
        known.stacks.forget()
      }
      #expect(told.contents == every.contents, "seed \(seed), round \(round)")
    }
  }

  @Test("tells a store's second part right behind the first, whatever is untold of its set")
  func continuation() {
    let known = Known(vcpus: 1, sets: 2, ways: 4, watching: stride(from: 4, to: 5, by: 1))
    // Pages 1, 3, 1 leave page 1 untold in the set of the second part.
    let runs = [1, 3, 1, 4, 5].map { Run(page: .init($0), accesses: 1, vcpu: 0, isContinuation: $0 == 5) }
    var indices: [UInt32] = [0, 1, 2, 3, 4]
    let count = known.strip(&indices, of: runs)
    #expect(indices[..<count] == [0, 1, 2, 3, 4])
  }
}
