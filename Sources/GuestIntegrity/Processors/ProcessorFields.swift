import Addresses
import EPT
import EPTTables

/// The pages of the hypervisor that VMCS fields point to, beside the EPTPs.
struct ProcessorFields {
  /// The list that VMFUNC leaf 0 reads; all 0, so that it refuses, until GI_INIT.
  let eptpList: HostPhysicalAddress
  /// A page-modification log a vCPU.
  let logs: [HostPhysicalAddress]
  /// A virtualization-exception information area a vCPU.
  let exceptionAreas: [HostPhysicalAddress]
  private(set) var subPages: SubPageTable
  private var pool: FramePool

  init(memory: FlatMemory, pool: FramePool, vcpus: Int) throws(TableError) {
    var pool = pool
    eptpList = try pool.takeZeroed(in: memory)
    var logs: [HostPhysicalAddress] = []
    var areas: [HostPhysicalAddress] = []
    for _ in 0..<vcpus {
      logs.append(try pool.takeZeroed(in: memory))
      areas.append(try pool.takeZeroed(in: memory))
    }
    self.logs = logs
    exceptionAreas = areas
    subPages = try SubPageTable(memory: memory, pool: &pool)
    self.pool = pool
  }

  /// Sets which sub-pages of a page may be written; true if one that was writable is not any more.
  mutating func setWritableSubPages(_ vector: UInt64, of page: GuestPageNumber) throws(TableError) -> Bool {
    try subPages.setVector(vector, of: page, pool: &pool)
  }
}
