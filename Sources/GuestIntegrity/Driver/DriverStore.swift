import Addresses
import EPT
import MonitorTree

/// The GI driver's stores into its tree: guest stores of the vCPU that is in integrity mode, each through the EPT walk
/// of the table set active on it.
///
/// A store that the EPT refuses is completed as any refused store is: only if the page is one the driver may write.
struct DriverStore: GuestStore {
  let memory: FlatMemory
  private let regime: EPTRegime
  let tracing: TracingService
  private let tree: MonitorTree
  /// How many stores were made, and how many of them the EPT refused.
  private(set) var stores = 0
  private(set) var refused = 0
  /// Tree nodes that looking the refused ones up has read.
  private(set) var nodesVisited = 0

  init(memory: FlatMemory, pointer: EPTPointer, tracing: TracingService, tree: MonitorTree) {
    self.memory = memory
    regime = EPTRegime(capabilities: .all, controls: .ept, pointer: pointer)
    self.tracing = tracing
    self.tree = tree
  }

  mutating func store(_ value: UInt64, at address: GuestPhysicalAddress) -> Bool {
    stores += 1
    guard let target = translated(address) else {
      refused += 1
      nodesVisited += tree.find(address.page).nodesVisited
      guard tracing.clients(of: address.page).contains(.ownPages),
        let frame = tracing.tables.frame(of: address.page)
      else { return false }
      memory.store(value, at: HostPhysicalAddress(frame.rawValue + address.pageOffset))
      return true
    }
    memory.store(value, at: target)
    return true
  }

  /// Zeroes pages.
  mutating func zero(_ range: PageRange) throws(TreeError) {
    var address = range.first.address
    for _ in 0..<range.count * 512 {
      guard store(0, at: address) else { throw .storeRefused(address) }
      address.rawValue += 8
    }
  }

  private func translated(_ address: GuestPhysicalAddress) -> HostPhysicalAddress? {
    var observer = NoObserver()
    let walk = regime.rules.walk(address, from: .root(regime.pointer), in: memory, &observer)
    // The driver stores through its direct map: which linear address that is, no right depends on.
    guard walk.end == .page, regime.denial(.dataWrite, walk).isEmpty else { return nil }
    return walk.address(of: address)
  }
}
