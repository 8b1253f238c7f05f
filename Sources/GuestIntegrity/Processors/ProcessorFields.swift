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

extension Hypervisor {
  /// Sets the VMCS fields of a vCPU that this hypervisor's mechanism needs: controls, and where their structures lie.
  public func configure(_ machine: inout EPTMachine<FlatMemory>, for vcpu: Int) {
    guard monitor.vcpus.indices.contains(vcpu) else { return }
    let mechanism = configuration.mechanism
    var controls = Controls.ept
    controls.set(.enableVPID, to: true)
    controls.set(
      .enableVMFunctions, to: mechanism.switching == .eptpByVMFUNC || mechanism.completion == .viewSwitch)
    controls.vmFunctions = 1
    controls.set(.eptViolationVE, to: mechanism.noticing == .virtualizationException)
    controls.set(.subPageWritePermissions, to: mechanism.noticing == .subPagePermissions)
    controls.set(.enablePML, to: mechanism.noticing == .modificationLog)
    machine.controls = controls
    machine.eptp = eptp(of: monitor.vcpus[vcpu].activeSet)
    machine.fields.vpid = UInt16(truncatingIfNeeded: vcpu + 1)
    machine.fields.eptpIndex = UInt16(monitor.vcpus[vcpu].activeSet.rawValue)
    machine.fields.eptpList = fields.eptpList
    machine.fields.spptp = fields.subPages.pointer
    machine.fields.pmlAddress = fields.logs[vcpu]
    machine.fields.pmlIndex = 511
    machine.fields.exceptionInformation = fields.exceptionAreas[vcpu]
  }

  /// Lets VMFUNC load the table sets that the guest may put in force by itself, or none.
  func fillEPTPList(_ isFilled: Bool) {
    let reachable = isFilled ? configuration.reachableSets : []
    for set in TableSet.allCases {
      memory.store(reachable.contains(set) ? eptp(of: set).rawValue : 0, at: fields.eptpList.qword(Int(set.rawValue)))
    }
    for vcpu in monitor.vcpus.indices { monitor.vcpus[vcpu].mayLoad(reachable) }
  }
}
