import Addresses
import EPT

/// A walk with nothing cached, of four guest levels through four EPT levels.
enum ColdWalk {
  /// The paging-structure entries it reads; nil where it does not translate.
  static func references() -> UInt64? {
    let memory = SparseMemory()
    func store(_ value: UInt64, _ address: UInt64) { memory.store(value, at: HostPhysicalAddress(address)) }
    // EPT: one table a level, pages 0 to 511 mapped onto themselves, write-back, all rights.
    for (table, next) in [(0x1000, 0x2000), (0x2000, 0x3000), (0x3000, 0x4000)] as [(UInt64, UInt64)] {
      store(next | 0x7, table)
    }
    for page in 0..<512 as Range<UInt64> { store(page << 12 | 0x37, 0x4000 + page << 3) }
    // The guest's tables: present, writable, accessed, and the leaf dirty.
    let guest: [(UInt64, UInt64)] = [(0x10000, 0x11000), (0x11000, 0x12000), (0x12000, 0x13000), (0x13000, 0x20000)]
    for (table, next) in guest { store(next | 0x63, table) }
    var state = GuestState()
    state.cr3 = 0x10000
    var machine = EPTMachine(memory: memory, eptp: EPTPointer(0x101e), guest: state)
    var counter = ReferenceCounter()
    let outcome = machine.access(linear: GuestLinearAddress(0), .dataWrite, user: false, &counter)
    guard case .translated(let translation) = outcome, translation.hpa == HostPhysicalAddress(0x20000) else {
      return nil
    }
    return counter.references
  }
}
