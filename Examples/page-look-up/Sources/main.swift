// A tree of protected pages in a guest's memory: made, asked, changed.
import Addresses
import MonitorTree

let pages: UInt64 = 4096
let start = UnsafeMutableRawPointer.allocate(byteCount: Int(pages) << 12, alignment: 4096)
defer { start.deallocate() }
start.initializeMemory(as: UInt8.self, repeating: 0, count: Int(pages) << 12)
guard let memory = GuestMemory(start: start, pageCount: pages) else { fatalError("no guest memory") }

func range(_ first: UInt64, _ count: UInt64) -> PageRange {
  guard let range = PageRange(first: GuestPageNumber(first), count: count) else { fatalError("an empty range") }
  return range
}

// The driver gives pages for nodes, which the tree protects as well; then regions claim pages.
let base = BasePointer()
let writer = try TreeWriter(memory: memory, base: base, nodeActions: TreeWriter.NodeActions([.log, .blockWrite]))
var store = DirectStore(memory)
try writer.create(slab: range(16, 16), actions: [.log, .blockWrite], through: &store)
try writer.insert(range(256, 512), actions: [.log, .notify], region: RegionID(1), through: &store)
try writer.insert(range(300, 1), actions: [.count], region: RegionID(2), through: &store)

// Any number of readers, without locks, while the writer is at work.
let tree = MonitorTree(memory: memory, base: base)
for page in [255, 256, 300, 767, 768, 16] as [UInt64] {
  let finding = tree.find(GuestPageNumber(page))
  switch finding.answer {
  case .notMine: print("page \(page): nobody's")
  case .protected(let segment):
    print(
      "page \(page): region \(segment.region.rawValue), pages \(segment.range.first.rawValue) and \(segment.range.count - 1) more"
    )
  case .treePage: print("page \(page): the tree's own")
  case .corrupt(let node): print("page \(page): node \(node.rawValue) was tampered with")
  }
}
