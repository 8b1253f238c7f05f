// Prints what MonitorTree.docc/Layouts.md tells: the node layouts and the schemes of reclamation that were tried.
//
//     swift run -c release layouts
import SeededRandom
import Glibc
import Measuring
import References

/// Ranges of random place and length that cover half of the space, as the ratios use them.
func randomRanges(_ count: Int) -> (ranges: reference_ranges, queries: [UInt32]) {
  let span = UInt32(count) * 64
  var random = SplitMix64(seed: UInt64(count))
  var cuts: Set<UInt32> = []
  while cuts.count < 2 * count { cuts.insert(1 + UInt32.random(in: 0..<span, using: &random)) }
  let sorted = cuts.sorted()
  let first = UnsafeMutablePointer<UInt32>.allocate(capacity: count + 1)
  let pages = UnsafeMutablePointer<UInt32>.allocate(capacity: count + 1)
  let actions = UnsafeMutablePointer<UInt16>.allocate(capacity: count + 1)
  first[0] = 0
  pages[0] = 0
  actions[0] = 0
  for index in 0..<count {
    first[index + 1] = sorted[2 * index]
    pages[index + 1] = sorted[2 * index + 1] - sorted[2 * index]
    actions[index + 1] = 1
  }
  // Pages above those that hold nodes, which the walk would tell by their identity.
  let low = UInt32(count / 50 + 100)
  let queries = (0..<1 << 16).map { _ in UInt32.random(in: low..<span, using: &random) }
  return (reference_ranges(first: first, pages: pages, actions: actions, count: count + 1), queries)
}

let layouts: [(String, layout_kind, layout_isa)] = [
  ("sorted keys, binary search", layout_binary, isa_sse2),
  ("sorted keys, SIMD scan", layout_scan, isa_sse2),
  ("Eytzinger", layout_eytzinger, isa_sse2),
  ("S-tree node, SSE2", layout_stree, isa_sse2),
  ("S-tree node, AVX2", layout_stree, isa_avx2),
  ("S-tree node, AVX-512", layout_stree, isa_avx512),
  ("blocks, SSE2", layout_blocks, isa_sse2),
  ("blocks, AVX2", layout_blocks, isa_avx2),
  ("blocks, AVX-512", layout_blocks, isa_avx512),
  ("blocks, AVX-512, no checks", layout_unchecked, isa_avx512),
]

func compareLayouts(ranges count: Int) {
  var (ranges, queries) = randomRanges(count)
  func row(_ name: String, bytes: Double, _ search: () -> UInt64) {
    let comparison = Comparison(rounds: 41, operations: queries.count, ours: search) {
      reference_binary_search(&ranges, queries, queries.count)
    }
    let label = name + String(repeating: " ", count: max(1, 28 - name.count))
    print(
      "\(count)\t\(label)\t\(comparison.ours.value.fixed(1)) ns\t\(comparison.ratio.text())\t\(bytes.fixed(1)) B a range"
    )
  }
  for (name, kind, isa) in layouts {
    guard let tree = layout_make(kind, isa, &ranges) else { continue }
    row(name, bytes: Double(layout_pages(tree) * 4096) / Double(count)) { layout_search(tree, queries, queries.count) }
    precondition(layout_failures(tree) == 0, "\(name): \(layout_failures(tree)) entries did not hold")
    layout_free(tree)
  }
  let stree = reference_stree_make(&ranges)
  row("flat S-tree, no checks, SSE2", bytes: 14.5) { reference_stree_search(stree, queries, queries.count) }
  if reference_has_avx512() != 0 {
    row("flat S-tree, no checks, AVX-512", bytes: 14.5) {
      reference_stree_search_avx512(stree, queries, queries.count)
    }
  }
  reference_stree_free(stree)
}

compareLayouts(ranges: 10_000)
compareLayouts(ranges: 1_000_000)

let readSides: [(String, (Int) -> UInt64)] = [
  ("quiescent states", read_side_quiescent), ("epochs", read_side_epoch), ("hazard pointer", read_side_hazard),
  ("reference count", read_side_counted), ("reader-writer lock", read_side_rwlock), ("mutex", read_side_mutex),
]
for (name, read) in readSides {
  let comparison = Comparison(rounds: 41, operations: 100_000, ours: { read(100_000) }) { read_side_raw(100_000) }
  print(
    "read side\t\(name)\t\(comparison.ours.value.fixed(2)) ns\traw pointer \(comparison.reference.value.fixed(2)) ns")
}
