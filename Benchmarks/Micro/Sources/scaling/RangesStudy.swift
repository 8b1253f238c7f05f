import Addresses
import Measuring
import MonitorTree
import SeededRandom

/// The monitor tree against the number of protected ranges: look-ups beside a binary search, and changes.
struct RangesStudy {
  let most: Int
  private let rounds = 21

  /// Answers how many bytes the largest tree took a range.
  func run(_ study: inout Study) throws -> Double {
    var bytesARange = 0.0
    var decade = 100
    while decade <= most {
      for ranges in [decade, decade * 3] where ranges <= most {
        let tree = try RangeTree(ranges: ranges)
        let counters = tree.writer.counters
        bytesARange = Double(counters.nodes) * 4096 / Double(ranges)
        func add(_ quantity: String, _ value: Double) { study.add("ranges", ranges, "tree", quantity, value) }
        add("levels", Double(counters.depth))
        add("nodes", Double(counters.nodes))
        add("node_MiB", Double(counters.nodes) / 256)
        lookUps(tree, &study)
        let change = try publication(tree)
        add("publish_us", change.microseconds)
        add("nodes_written_a_change", change.nodesWritten)
        add("huge_pages_MiB", try ProcessMemory.bytes("AnonHugePages", in: "smaps_rollup") / 1048576)
      }
      decade *= 10
    }
    return bytesARange
  }

  /// Random pages, new ones in every round, and a few pages again and again: memory and no memory.
  private func lookUps(_ tree: RangeTree, _ study: inout Study) {
    var times: [String: [Double]] = [:]
    func time(_ curve: String, _ work: () -> UInt64) -> UInt64 {
      let start = processorNanoseconds()
      let sum = work()
      times[curve, default: []].append((processorNanoseconds() - start) / Double(RangeTree.batch))
      return sum
    }
    for _ in 0..<rounds {
      for (kind, queries) in [("uniform", tree.uniformQueries()), ("hot", tree.hotQueries())] {
        let expected = time("binary search \(kind)") { tree.binarySearch(queries) }
        let sum = time("tree \(kind)") { tree.lookUps(queries) }
        precondition(sum == expected, "the reference finds \(expected) pages monitored, the tree \(sum)")
      }
    }
    for (curve, values) in times.sorted(by: { $0.key < $1.key }) {
      study.add("ranges", tree.ranges, curve, "look_up_ns", Median(Array(values.dropFirst(2))).value)
    }
  }

  /// The time of one change, from the request to the published base pointer; ranges taken out and put back.
  private func publication(_ tree: RangeTree) throws -> (microseconds: Double, nodesWritten: Double) {
    var random = SplitMix64(seed: 11)
    var store = DirectStore(tree.memory)
    let changes = 100
    var written = 0
    var times: [Double] = []
    for _ in 0..<rounds {
      let picks = (0..<changes / 2).map { _ in tree.range(Int.random(in: 0..<tree.ranges, using: &random)) }
      let start = processorNanoseconds()
      for range in picks {
        written += try tree.writer.remove(range, region: nil, through: &store).nodesWritten
        written += try tree.writer.insert(range, actions: .count, region: RangeTree.region, through: &store)
          .nodesWritten
      }
      times.append((processorNanoseconds() - start) / Double(changes) / 1000)
    }
    return (Median(times).value, Double(written) / Double(rounds * changes))
  }
}
