extension Hypervisor {
  /// Puts the open view in force on a vCPU for one store: by the hypervisor for a single step, by the driver's handler
  /// for a view switch. Under other mechanisms nothing happens.
  public func openView(on vcpu: Int) {
    guard monitor.vcpus.indices.contains(vcpu), openView != nil else { return }
    switchSet(of: vcpu, to: .open, by: configuration.mechanism.completion == .viewSwitch ? .vmfunc : .vmcsWrite)
  }

  /// Puts the set of the vCPU's mode in force again, after the store; a single step has exited for it.
  public func closeView(on vcpu: Int) {
    guard monitor.vcpus.indices.contains(vcpu), openView != nil else { return }
    let isStep = configuration.mechanism.completion == .singleStep
    if isStep { processors.exit(.monitorTrap, on: vcpu) }
    switchSet(
      of: vcpu, to: configuration.switching.set(in: monitor.vcpus[vcpu].mode), by: isStep ? .vmcsWrite : .vmfunc)
  }
}
