import Addresses
import EPT

extension Hypervisor {
  /// Sets the VMCS fields of a vCPU that this hypervisor's mechanism needs: controls, and where their structures lie.
  public func configure(_ machine: inout EPTMachine<FlatMemory>, for vcpu: Int) {
    guard monitor.vcpus.indices.contains(vcpu) else { return }
    let mechanism = configuration.mechanism
    let features = mechanism.noticing.features
    var controls = Controls.ept
    controls.set(.enableVPID, to: true)
    controls.set(.enableVMFunctions, to: mechanism.usesVMFUNC)
    controls.vmFunctions = 1
    controls.set(.eptViolationVE, to: features.contains(.virtualizationExceptions))
    controls.set(.subPageWritePermissions, to: features.contains(.subPagePermissions))
    controls.set(.enablePML, to: features.contains(.modificationLog))
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
