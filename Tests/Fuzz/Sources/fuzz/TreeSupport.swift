import Addresses
import Glibc

@testable import MonitorTree

/// Guest memory between two pages that nobody may touch, so that a read outside it ends the test.
final class TestGuest: @unchecked Sendable {
  let memory: GuestMemory
  let base: BasePointer
  private let mapped: UnsafeMutableRawPointer
  private let bytes: Int

  init(pages: UInt64, readers: Int = 0) {
    bytes = Int(pages + 2) << 12
    mapped = mmap(nil, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)!
    let start = mapped + 4096
    mprotect(start, Int(pages) << 12, PROT_READ | PROT_WRITE)
    memory = GuestMemory(start: start, pageCount: pages)!
    base = BasePointer(readers: readers)
  }

  deinit { munmap(mapped, bytes) }

  var tree: MonitorTree { MonitorTree(memory: memory, base: base) }
  var store: DirectStore { DirectStore(memory) }

  /// A writer whose first slab is donated.
  func writer(
    _ shape: NodeShape = .tiny, slab: PageRange, actions: AlertActions = [.blockWrite]
  ) throws -> TreeWriter {
    let writer = try attach(shape)
    var store = store
    try writer.create(slab: slab, actions: actions, through: &store)
    return writer
  }

  /// A writer for the tree as it is.
  func attach(_ shape: NodeShape = .tiny) throws(TreeError) -> TreeWriter {
    try TreeWriter(memory: memory, base: base, nodeActions: .distinct, shape: shape)
  }

  /// The bytes of a page.
  func bytes(of page: GuestPageNumber) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: memory.start + Int(page.rawValue) << 12, count: 4096)
  }

  /// All nodes of the tree, the base first.
  func nodes() throws -> [NodeReference] {
    var nodes: [NodeReference] = []
    try memory.visit(base.reference) { (node, _) throws(TreeError) in
      nodes.append(node)
    } interior: { (node, _) throws(TreeError) in
      nodes.append(node)
    }
    return nodes
  }
}

extension TreeWriter.NodeActions {
  /// Three actions that tell the nodes' places apart.
  static var distinct: Self { Self(base: [.powerOff], interior: [.suspend], leaf: [.inject]) }
}

extension NodeShape {
  /// Leaves of at most 10 entries, interior nodes of at most 3 children.
  static var tiny: Self { Self(entriesPerBlock: 5, blocksPerLeaf: 2, children: 3) }
}

func pages(_ first: UInt64, _ count: UInt64) -> PageRange { PageRange(first: GuestPageNumber(first), count: count)! }
func page(_ number: UInt64) -> GuestPageNumber { GuestPageNumber(number) }
