extension Hypervisor {
  /// Puts the open view in force on a vCPU for one store. Where completion needs none nothing happens.
  public func openView(on vcpu: Int, by means: SwitchMeans) {
    guard monitor.vcpus.indices.contains(vcpu), openView != nil else { return }
    switchSet(of: vcpu, to: .open, by: means)
  }

  /// Puts the set of the vCPU's mode in force again, after the store.
  public func closeView(on vcpu: Int, by means: SwitchMeans) {
    guard monitor.vcpus.indices.contains(vcpu), openView != nil else { return }
    switchSet(of: vcpu, to: configuration.switching.set(in: monitor.vcpus[vcpu].mode), by: means)
  }
}
