import Addresses
import EPT

extension Hypervisor {
  /// VMFUNC leaf 0 at the place of a hypercall: the processor switches at once and asks nobody; what follows must be
  /// fetched with the new set.
  func vmfunc(to set: TableSet, by call: Hypercall, on vcpu: Int) -> HypercallResult {
    guard monitor.registration != nil else {
      // The EPTP list is empty before GI_INIT: the processor refuses, and exits.
      refusedVMFUNC(on: vcpu, address: call.ripAddress, rip: call.rip, time: call.time)
      return .refused(.notInitialised)
    }
    // Before, the VMFUNC itself must have been fetched with the old set.
    if configuration.stripsExecution { endIfForeign(call.ripAddress, rip: call.rip, on: vcpu, time: call.time) }
    enterByVMFUNC(set == .integrity ? .integrity : .normal, on: vcpu, time: call.time)
    switchSet(of: vcpu, to: set, by: .vmfunc)
    guard configuration.stripsExecution, set == .integrity else { return .success }
    endIfForeign(call.ripAddress, rip: call.rip, on: vcpu, time: call.time)
    return monitor.vcpus[vcpu].mode == .integrity ? .success : .refused(.outsideGICode)
  }

  /// Tells the hypervisor which EPTP a vCPU runs with, as it would find it in the VMCS at the next exit: under
  /// ``EPTPByVMFUNC`` the guest switches by itself, and the EPTP is the mode.
  public func observe(_ pointer: EPTPointer, on vcpu: Int, time: UInt64) {
    guard configuration.switching.isByVMFUNC, monitor.vcpus.indices.contains(vcpu) else { return }
    let mode: Mode = pointer == eptp(of: .integrity) ? .integrity : .normal
    monitor.vcpus[vcpu].activate(pointer == openView?.pointer ? .open : configuration.switching.set(in: mode))
    enterByVMFUNC(mode, on: vcpu, time: time)
  }

  /// Notes the mode that a vCPU has put itself in.
  private func enterByVMFUNC(_ mode: Mode, on vcpu: Int, time: UInt64) {
    guard mode != monitor.vcpus[vcpu].mode else { return }
    monitor.vcpus[vcpu].mode = mode
    monitor.vcpus[vcpu].enteredAt = nil
    // What a checked entry has saved and held back: the driver has restored the one, the other may come.
    monitor.vcpus[vcpu].saved = nil
    processors.holdInterrupts(false, on: vcpu)
    if mode == .integrity { monitor.counters[.entries] += 1 } else { monitor.lastWindow = time }
  }

  /// Reports a VMFUNC that the processor refused: no table set stands where the guest looked for one.
  public func refusedVMFUNC(
    on vcpu: Int, address: GuestPhysicalAddress, rip: GuestLinearAddress, time: UInt64
  ) {
    guard monitor.vcpus.indices.contains(vcpu) else { return }
    processors.exit(.vmfunc, on: vcpu)
    monitor.counters[.hypercallsRefused] += 1
    let error: HypercallError = monitor.registration == nil ? .notInitialised : .noSuchSet
    monitor.raise(
      .entry, on: vcpu, actions: configuration.hypercallActions, address: address, rip: rip,
      detail: Int32(error.rawValue), time: time)
  }
}
