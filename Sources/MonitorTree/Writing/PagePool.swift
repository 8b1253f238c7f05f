/// The donated pages that hold no node: free ones, and retired ones that readers may still be in.
struct PagePool {
  private(set) var free: [UInt32] = []
  private var retired: [(page: UInt32, epoch: UInt64)] = []
  private var firstRetired = 0
  private var taken: [UInt32] = []

  var retiredCount: Int { retired.count - firstRetired }

  /// A free page for the change under way.
  mutating func take() -> UInt32? {
    guard let page = free.popLast() else { return nil }
    taken.append(page)
    return page
  }

  /// The change was published: the pages taken are nodes now.
  mutating func keepTaken() { taken.removeAll(keepingCapacity: true) }

  /// The change was given up: the pages taken are free again.
  mutating func returnTaken() {
    free.append(contentsOf: taken.reversed())
    taken.removeAll(keepingCapacity: true)
  }

  mutating func add(_ pages: some Sequence<UInt32>) { free.append(contentsOf: pages) }

  /// The page left the tree when `epoch` began.
  mutating func retire(_ page: UInt32, epoch: UInt64) { retired.append((page, epoch)) }

  /// Frees what left the tree no later than `epoch`: all readers have been quiescent since.
  mutating func reclaim(upTo epoch: UInt64) {
    while firstRetired < retired.count, retired[firstRetired].epoch <= epoch {
      free.append(retired[firstRetired].page)
      firstRetired += 1
    }
    if firstRetired * 2 > retired.count {
      retired.removeFirst(firstRetired)
      firstRetired = 0
    }
  }
}
