import Addresses

@testable import MonitorTree

/// A small deterministic generator (SplitMix64), so that a printed seed repeats a test.
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

/// Guest memory of its own, freed with the guest.
final class TestGuest {
  let memory: GuestMemory
  let base: BasePointer

  init(pages: UInt64, readers: Int = 0) {
    let start = UnsafeMutableRawPointer.allocate(byteCount: Int(pages) << 12, alignment: 4096)
    start.initializeMemory(as: UInt8.self, repeating: 0xa5, count: Int(pages) << 12)
    memory = GuestMemory(start: start, pageCount: pages)!
    base = BasePointer(readers: readers)
  }

  deinit { memory.start.deallocate() }

  var tree: MonitorTree { MonitorTree(memory: memory, base: base) }
  var store: DirectStore { DirectStore(memory) }

  /// A writer of tiny nodes with its first slab donated.
  func writer(_ shape: NodeShape = .tiny, slab: PageRange, actions: AlertActions = [.blockWrite]) throws -> TreeWriter {
    let writer = try TreeWriter(memory: memory, base: base, nodeActions: .distinct, shape: shape)
    var store = store
    try writer.create(slab: slab, actions: actions, through: &store)
    return writer
  }
}

extension TreeWriter.NodeActions {
  /// Three actions that tell the nodes' places apart.
  static var distinct: Self { Self(base: [.powerOff], interior: [.suspend], leaf: [.inject]) }
}

func pages(_ first: UInt64, _ count: UInt64) -> PageRange { PageRange(first: GuestPageNumber(first), count: count)! }
func page(_ number: UInt64) -> GuestPageNumber { GuestPageNumber(number) }

extension NodeShape {
  /// Leaves of at most 10 entries, interior nodes of at most 3 children.
  static var tiny: Self { Self(entriesPerBlock: 5, blocksPerLeaf: 2, children: 3) }
}
