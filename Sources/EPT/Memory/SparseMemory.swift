import Addresses

/// Physical memory that exists where it was written: 4 KiB pages in a hash table, zero elsewhere. For scripts and dumps.
///
/// A store to a new page beyond ``pageLimit`` is lost and counted in `refusedStores`, so that a hostile script cannot
/// take all memory.
public final class SparseMemory: PhysicalMemory {
  /// How many pages may come into being.
  public let pageLimit: Int
  /// Stores lost because the limit was reached.
  package private(set) var refusedStores: UInt64 = 0
  /// How many pages exist.
  public private(set) var pageCount = 0

  /// Page numbers, `empty` where a slot is free; a power of two of slots, at most half of them used.
  private var keys: UnsafeMutablePointer<UInt64>
  private var pages: UnsafeMutablePointer<UnsafeMutablePointer<UInt64>?>
  private var slots: Int
  private static let empty = UInt64.max
  private static let initialSlots = 64
  /// Where a page lies in the table depends on chance, so that nobody can choose pages that lie on top of each other.
  private let secret = UInt64.random(in: .min ... .max)

  /// An empty memory of at most `pageLimit` pages (default 2^18, 1 GiB).
  public init(pageLimit: Int = 1 << 18) {
    self.pageLimit = pageLimit
    slots = Self.initialSlots
    keys = .allocate(capacity: slots)
    keys.initialize(repeating: Self.empty, count: slots)
    pages = .allocate(capacity: slots)
    pages.initialize(repeating: nil, count: slots)
  }

  deinit {
    freePages()
    keys.deallocate()
    pages.deallocate()
  }

  /// The word at `address`, 0 where nothing was written.
  public func load(_ address: HostPhysicalAddress) -> UInt64 {
    guard let page = page(address.rawValue >> 12) else { return 0 }
    return page[Int(address.rawValue >> 3 & 511)]
  }

  /// Stores a word at `address`, making its page if there is room.
  public func store(_ value: UInt64, at address: HostPhysicalAddress) {
    let number = address.rawValue >> 12
    guard let page = page(number) ?? makePage(number) else {
      refusedStores += 1
      return
    }
    page[Int(address.rawValue >> 3 & 511)] = value
  }

  /// Stores `desired` if the word equals `expected`; returns the word that was there. Not for use by several threads.
  public func compareExchange(at address: HostPhysicalAddress, expected: UInt64, desired: UInt64) -> UInt64 {
    let old = load(address)
    if old == expected { store(desired, at: address) }
    return old
  }

  /// Forgets everything written.
  package func clear() {
    freePages()
    if slots != Self.initialSlots {
      keys.deallocate()
      pages.deallocate()
      slots = Self.initialSlots
      keys = .allocate(capacity: slots)
      pages = .allocate(capacity: slots)
    }
    keys.initialize(repeating: Self.empty, count: slots)
    pages.initialize(repeating: nil, count: slots)
    pageCount = 0
    refusedStores = 0
  }

  private func freePages() {
    for slot in 0..<slots { pages[slot]?.deallocate() }
  }

  private func slot(_ number: UInt64) -> Int {
    let spread = (number ^ secret).multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
    var slot = Int(truncatingIfNeeded: (spread.high ^ spread.low) &* (secret | 1) >> 32) & (slots - 1)
    while keys[slot] != number && keys[slot] != Self.empty { slot = (slot + 1) & (slots - 1) }
    return slot
  }

  private func page(_ number: UInt64) -> UnsafeMutablePointer<UInt64>? { pages[slot(number)] }

  private func makePage(_ number: UInt64) -> UnsafeMutablePointer<UInt64>? {
    guard pageCount < pageLimit, number != Self.empty else { return nil }
    if (pageCount + 1) * 2 > slots { grow() }
    let page = UnsafeMutablePointer<UInt64>.allocate(capacity: 512)
    page.initialize(repeating: 0, count: 512)
    let slot = slot(number)
    keys[slot] = number
    pages[slot] = page
    pageCount += 1
    return page
  }

  private func grow() {
    let (oldKeys, oldPages, oldSlots) = (keys, pages, slots)
    slots *= 2
    keys = .allocate(capacity: slots)
    keys.initialize(repeating: Self.empty, count: slots)
    pages = .allocate(capacity: slots)
    pages.initialize(repeating: nil, count: slots)
    for old in 0..<oldSlots where oldKeys[old] != Self.empty {
      let new = slot(oldKeys[old])
      keys[new] = oldKeys[old]
      pages[new] = oldPages[old]
    }
    oldKeys.deallocate()
    oldPages.deallocate()
  }
}
