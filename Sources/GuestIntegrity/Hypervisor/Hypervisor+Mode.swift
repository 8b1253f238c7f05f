import Addresses

extension Hypervisor {
  /// GI_ENTER: every check, then the integrity set, then the mode.
  func enter(_ call: Hypercall, on vcpu: Int) throws(HypercallError) {
    guard let registration = monitor.registration else { throw .notInitialised }
    guard monitor.vcpus[vcpu].mode == .normal else { throw .wrongMode }
    guard call.cpl == 0 else { throw .notSupervisor }
    guard call.state.contains(.longMode) else { throw .notLongMode }
    guard !call.interruptsEnabled else { throw .interruptsEnabled }
    guard !call.state.contains(.deliveringEvent) else { throw .deliveringEvent }
    guard !call.singleStepArmed else { throw .singleStepArmed }
    guard call.rip == registration.entry.address else { throw .wrongEntryAddress }
    guard call.ripAddress.page == registration.entry.page,
      call.ripAddress.pageOffset == registration.entry.address.rawValue & 0xfff
    else { throw .wrongEntryPage }
    guard monitor.tracing.clients(of: registration.entry.page).contains(.protection) else { throw .entryPageNotTraced }
    monitor.counters[.entries] += 1
    monitor.vcpus[vcpu].enteredAt = call.time
    if let context = registration.context, let own = processors.contextRegisters(of: vcpu) {
      monitor.vcpus[vcpu].saved = own
      processors.setContextRegisters(context.registers(for: vcpu), of: vcpu)
    }
    processors.holdInterrupts(true, on: vcpu)
    monitor.vcpus[vcpu].mode = .integrity
    applyMode(on: vcpu)
  }

  /// GI_EXIT: the normal set first, then the mode.
  func leave(_ call: Hypercall, on vcpu: Int) throws(HypercallError) {
    guard let registration = monitor.registration else { throw .notInitialised }
    guard monitor.vcpus[vcpu].mode == .integrity else { throw .wrongMode }
    guard call.rip == registration.exit.address, call.ripAddress.page == registration.exit.page else {
      throw .wrongExitAddress
    }
    returnToNormal(vcpu)
    monitor.lastWindow = call.time
  }

  /// Ends integrity mode on a vCPU without GI_EXIT: normal set, normal mode, alert. So it ends an open view that the guest
  /// has put in force by itself.
  public func integrityFault(
    _ fault: IntegrityFault, on vcpu: Int, address: GuestPhysicalAddress, rip: GuestLinearAddress? = nil, time: UInt64
  ) {
    guard monitor.vcpus.indices.contains(vcpu),
      monitor.vcpus[vcpu].mode == .integrity || monitor.vcpus[vcpu].activeSet == .open
    else { return }
    drainModificationLog(of: vcpu, time: time)
    monitor.counters[.integrityFaults] += 1
    monitor.raise(
      .integrityFault, on: vcpu, actions: configuration.faultActions, address: address, rip: rip,
      detail: fault.rawValue, time: time)
    returnToNormal(vcpu)
  }

  /// Ends integrity mode if the instruction a vCPU exits for lies outside GI code.
  ///
  /// Where the integrity set lets GI code alone be executed, the fetch itself has exited before, unless a recording is
  /// replayed; elsewhere this exit is the first the hypervisor learns of foreign code.
  func endIfForeign(_ address: GuestPhysicalAddress, rip: GuestLinearAddress?, on vcpu: Int, time: UInt64) {
    guard monitor.vcpus[vcpu].mode == .integrity, monitor.registration?.code.contains(address.page) == false else {
      return
    }
    if configuration.stripsExecution { processors.exit(.eptViolation, on: vcpu) }
    integrityFault(.foreignFetch, on: vcpu, address: address, rip: rip, time: time)
  }

  /// Normal set, then mode, then the registers saved on entry, then the interrupts held since.
  func returnToNormal(_ vcpu: Int) {
    monitor.vcpus[vcpu].mode = .normal
    monitor.vcpus[vcpu].enteredAt = nil
    applyMode(on: vcpu)
    if let saved = monitor.vcpus[vcpu].saved {
      monitor.vcpus[vcpu].saved = nil
      processors.setContextRegisters(saved, of: vcpu)
    }
    processors.holdInterrupts(false, on: vcpu)
  }

  /// Tells the hypervisor the time in an exit it takes anyway: an overrun of the budget ends integrity mode, and a driver
  /// that has not entered it for too long is reported, once each time the limit has passed.
  public func advance(to time: UInt64, on vcpu: Int) {
    guard monitor.vcpus.indices.contains(vcpu), monitor.registration != nil else { return }
    if monitor.vcpus[vcpu].mode == .integrity {
      let entered = monitor.vcpus[vcpu].enteredAt ?? time
      monitor.vcpus[vcpu].enteredAt = entered
      if let budget = configuration.integrityBudget, time > entered, time - entered > budget {
        integrityFault(.budgetOverrun, on: vcpu, address: GuestPhysicalAddress(0), time: time)
      }
    } else if let limit = configuration.silenceLimit, time > monitor.lastWindow, time - monitor.lastWindow > limit {
      monitor.lastWindow = time
      monitor.raise(
        .silence, on: vcpu, actions: configuration.silenceActions, address: GuestPhysicalAddress(0), time: time)
    }
  }

  /// Makes the tables say what the vCPU's mode asks for.
  func applyMode(on vcpu: Int) {
    configuration.switching.apply(monitor.vcpus[vcpu].mode, on: vcpu, of: ModeChange(hypervisor: self))
  }
}

/// What a switching choice can have a hypervisor do.
private struct ModeChange<Processors: ProcessorControl>: SwitchingHost {
  let hypervisor: Hypervisor<Processors>

  var modes: [Mode] { hypervisor.monitor.vcpus.map(\.mode) }

  func load(_ set: TableSet, on vcpu: Int) { hypervisor.switchSet(of: vcpu, to: set, by: .vmcsWrite) }

  func setOwnPages(open: Bool, from vcpu: Int) {
    let ranges = hypervisor.monitor.registration?.ownPages ?? []
    // Rights of leaves that are split already: no page for tables is needed, so this cannot fail.
    hypervisor.settling(from: vcpu) {
      try? hypervisor.monitor.tracing.setOwnPages(open: open, in: ranges, owing: &$0)
    }
  }
}
