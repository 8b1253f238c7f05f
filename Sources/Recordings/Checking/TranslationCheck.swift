import Addresses

/// Follows CR3 loads and leaves of the guest's page tables, and holds stores against them: whether a replay of both dimensions can
/// rebuild the tables at every moment.
struct TranslationCheck {
  private struct Key: Hashable {
    /// The page of the top-level table; 0 for the kernel's half, which is the same under every CR3.
    var root: UInt64
    /// The linear address in units of the page size.
    var page: UInt64
    var shift: Int
  }

  private struct Leaf {
    /// Which mapping of the trace it was.
    var order: Int
    /// The guest page of its first 4 KiB.
    var frame: UInt64
  }

  /// A translation found before; good while no mapping and no CR3 load has come since.
  private struct Known {
    var generation = 0
    var linear: UInt64 = 0
    var page: UInt64?
  }

  private static let frame: UInt64 = (1 << 52 - 1) >> 12
  private static let slots = 1 << 10
  private var leaves: [Key: Leaf] = [:]
  private var roots: [UInt64?]
  private var known: [Known]
  private var generation = 1

  init(vcpus: Int) {
    roots = [UInt64?](repeating: nil, count: vcpus)
    known = [Known](repeating: Known(), count: vcpus * Self.slots)
  }

  mutating func take(_ load: RecordedEvent.CR3Load) {
    roots[load.vcpu] = load.value >> 12 & Self.frame
    generation += 1
  }

  mutating func take(_ map: RecordedEvent.LinearMapping) {
    let linear = map.linear.rawValue
    let root = root(map.cr3 >> 12 & Self.frame, of: linear >> 12)
    // A large page's entry has other bits where a smaller one has its lowest address bits.
    let inside: UInt64 = 1 << UInt64(map.pageShift - 12) - 1
    leaves[Key(root: root, page: linear >> UInt64(map.pageShift), shift: map.pageShift)] =
      Leaf(order: generation, frame: map.entry >> 12 & Self.frame & ~inside)
    generation += 1
  }

  /// What the vCPU loaded last, if that is another page than this CR3's.
  func disagreement(of cr3: UInt64, vcpu: Int) -> UInt64? {
    guard let root = roots[vcpu], root != cr3 >> 12 & Self.frame else { return nil }
    return root << 12
  }

  /// Whether a store to a linear page reaches this guest page by what was taken so far.
  mutating func explains(_ linear: UInt64, to page: UInt64, vcpu: Int) -> Bool {
    // Before paging, and wherever linear memory is physical memory.
    if linear == page { return true }
    let slot = vcpu * Self.slots + Int(linear & UInt64(Self.slots - 1))
    if known[slot].generation != generation || known[slot].linear != linear {
      known[slot] = Known(generation: generation, linear: linear, page: translation(of: linear, vcpu: vcpu))
    }
    return known[slot].page == page
  }

  /// The guest page of a linear page, by the latest leaf that covers it.
  private func translation(of linear: UInt64, vcpu: Int) -> UInt64? {
    let root = root(roots[vcpu] ?? 0, of: linear)
    var latest: (leaf: Leaf, page: UInt64)?
    for shift in [12, 21, 30] {
      guard let leaf = leaves[Key(root: root, page: linear >> UInt64(shift - 12), shift: shift)],
        leaf.order > latest?.leaf.order ?? 0
      else { continue }
      latest = (leaf, leaf.frame + linear & (1 << UInt64(shift - 12) - 1))
    }
    return latest?.page
  }

  private func root(_ root: UInt64, of linear: UInt64) -> UInt64 { linear >> 51 == 0 ? root : 0 }
}
