import Addresses
import EPT
import EPTTables

/// The sub-page permission table: for each 4 KiB page, which of its 32 sub-pages of 128 bytes may be written
/// (SDM vol. 3C, "Sub-Page Write Permissions").
struct SubPageTable {
  private let memory: FlatMemory
  private let root: HostPhysicalAddress

  /// A table that allows nothing.
  init(memory: FlatMemory, pool: inout FramePool) throws(TableError) {
    self.memory = memory
    root = try pool.takeZeroed(in: memory)
  }

  /// The sub-page permission table pointer.
  var pointer: HostPhysicalAddress { root }

  /// Bit 2 n of a vector: sub-page n may be written.
  static func allows(_ subPage: Int) -> UInt64 { 1 << UInt64(2 * subPage) }

  /// The vector of a page; 0 where there is none.
  func vector(of page: GuestPageNumber) -> UInt64 {
    var table = root
    for level in [Level.pml4e, .pdpte, .pde] {
      let entry = memory.load(table.qword(level.index(ofPage: page.rawValue)))
      guard entry & 1 != 0 else { return 0 }
      table = HostPhysicalAddress(entry & EPTEntry.addressMask)
    }
    return memory.load(table.qword(Level.pte.index(ofPage: page.rawValue)))
  }

  /// Sets the vector of a page; true if a sub-page that was writable is not any more.
  mutating func setVector(_ vector: UInt64, of page: GuestPageNumber, pool: inout FramePool) throws(TableError) -> Bool
  {
    var table = root
    for level in [Level.pml4e, .pdpte, .pde] {
      let slot = table.qword(level.index(ofPage: page.rawValue))
      if memory.load(slot) & 1 == 0 { memory.store(try pool.takeZeroed(in: memory).rawValue | 1, at: slot) }
      table = HostPhysicalAddress(memory.load(slot) & EPTEntry.addressMask)
    }
    let slot = table.qword(Level.pte.index(ofPage: page.rawValue))
    let old = memory.load(slot)
    memory.store(vector, at: slot)
    return old & ~vector != 0
  }
}
