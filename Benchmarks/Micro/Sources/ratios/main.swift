import Addresses
import Glibc
import MonitorTree
import References

func now() -> Double {
  var t = timespec()
  clock_gettime(CLOCK_MONOTONIC, &t)
  return Double(t.tv_sec) * 1e9 + Double(t.tv_nsec)
}
struct Rng { var s: UInt64; mutating func next() -> UInt64 { s ^= s << 13; s ^= s >> 7; s ^= s << 17; return s } }

for n in [10_000, 1_000_000] {
  let slab = UInt32(n / 100 + 64)
  let span = UInt32(n) * 64
  let total = UInt64(slab + span)
  let mem = mmap(nil, Int(total) << 12, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)!
  madvise(mem, Int(slab) << 12, MADV_HUGEPAGE)
  let memory = GuestMemory(start: mem, pageCount: total)!
  var rng = Rng(s: 88172645463325252)
  var cuts = Set<UInt32>()
  while cuts.count < 2 * n { cuts.insert(slab + UInt32(rng.next() % UInt64(span))) }
  let b = cuts.sorted()
  let first = UnsafeMutablePointer<UInt32>.allocate(capacity: n + 1)
  let pages = UnsafeMutablePointer<UInt32>.allocate(capacity: n + 1)
  let actions = UnsafeMutablePointer<UInt16>.allocate(capacity: n + 1)
  first[0] = 0; pages[0] = 0; actions[0] = 0
  for i in 0..<n { first[i + 1] = b[2 * i]; pages[i + 1] = b[2 * i + 1] - b[2 * i]; actions[i + 1] = 1 }
  let q = UnsafeMutablePointer<UInt32>.allocate(capacity: 1 << 18)
  for i in 0..<1 << 18 { q[i] = slab + UInt32(rng.next() % UInt64(span)) }
  var ranges = reference_ranges(first: first, pages: pages, actions: actions, count: n + 1)
  let base = BasePointer()
  let writer = try TreeWriter(memory: memory, base: base, nodeActions: .init(.log))
  var store = DirectStore(memory)
  try writer.create(slab: PageRange(first: .init(0), count: UInt64(slab))!, actions: .log, through: &store)
  var t0 = now()
  for i in 1...n { try writer.insert(PageRange(first: .init(UInt64(first[i])), count: UInt64(pages[i]))!, actions: .count, region: .init(1), through: &store) }
  print("insert", (now() - t0) / Double(n), writer.counters, Double(writer.counters.nodes * 4096) / Double(n))
  let tree = MonitorTree(memory: memory, base: base)
  let st = reference_stree_make(&ranges)!
  @inline(never) func ours() -> UInt64 {
    var sum: UInt64 = 0
    for i in 0..<1 << 18 {
      sum &+= UInt64(tree.find(GuestPageNumber(UInt64(q[i]))).actions.rawValue)
    }
    return sum
  }
  var best = [Double](repeating: 1e9, count: 4)
  var sums = [UInt64](repeating: 0, count: 4)
  for _ in 0..<31 {
    t0 = now(); sums[0] = reference_binary_search(&ranges, q, 1 << 18); var t1 = now(); best[0] = min(best[0], t1 - t0)
    sums[1] = reference_stree_search(st, q, 1 << 18); t0 = now(); best[1] = min(best[1], t0 - t1)
    sums[2] = reference_stree_search_avx512(st, q, 1 << 18); t1 = now(); best[2] = min(best[2], t1 - t0)
    sums[3] = ours(); t0 = now(); best[3] = min(best[3], t0 - t1)
  }
  print(n, best.map { $0 / Double(1 << 18) }, sums, best[3] / best[0])
}
