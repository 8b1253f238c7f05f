#if canImport(Peers)
  import Measuring
  import Peers

  /// Look-ups in our tree beside containers of other projects: the same ranges and pages, in turn, in one process.
  enum PeerTable {
    private static let sizes = [10_000, 1_000_000]
    private static let rounds = 21

    /// The table as Markdown, nanoseconds a look-up.
    static func text() throws -> String {
      var rows = (0..<peer_count()).map { [String(cString: peer_name($0))] }
      var ours = ["monitor tree, guarded by itself"]
      for size in sizes {
        let workload = try TreeWorkload(ranges: size)
        let figures = measure(workload)
        ours.append(figures[0].text(1))
        for index in rows.indices { rows[index].append(figures[index + 1].text(1)) }
      }
      let header = ["ns a look-up, median [95 %]"] + sizes.map { "\($0) ranges" }
      return ([header, header.map { _ in "---" }, ours] + rows).map { "| " + $0.joined(separator: " | ") + " |\n" }
        .joined()
    }

    /// Ours, and each peer.
    private static func measure(_ workload: TreeWorkload) -> [Median] {
      let first = workload.mappings.map { UInt32($0.range.first.rawValue) }
      let pages = workload.mappings.map { UInt32($0.range.count) }
      let limit = UInt32(workload.memory.pageCount)
      let peers = (0..<peer_count()).map { peer_make($0, first, pages, first.count, limit) }
      defer { for peer in peers { peer_free(peer) } }
      let queries = workload.queries
      let contenders: [() -> UInt64] =
        [workload.lookUps] + peers.map { peer in { peer_look_up(peer, queries, queries.count) } }
      let expected = workload.lookUps()
      var nanoseconds = contenders.map { _ in [Double]() }
      for round in 0..<rounds + 2 {
        for (index, lookUps) in contenders.enumerated() {
          let start = processorNanoseconds()
          let found = lookUps()
          let end = processorNanoseconds()
          precondition(found == expected, "row \(index) finds \(found) pages, the tree \(expected)")
          // The first rounds warm caches and predictors.
          if round >= 2 { nanoseconds[index].append((end - start) / Double(queries.count)) }
        }
      }
      return nanoseconds.map(Median.init)
    }
  }
#endif
