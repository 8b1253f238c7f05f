import Addresses
import EPT

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

  /// Ends integrity mode on a vCPU without GI_EXIT: normal set, normal mode, alert.
  public func integrityFault(
    _ fault: IntegrityFault, on vcpu: Int, address: GuestPhysicalAddress, rip: GuestLinearAddress? = nil, time: UInt64
  ) {
    guard monitor.vcpus.indices.contains(vcpu), monitor.vcpus[vcpu].mode == .integrity else { return }
    drainModificationLog(of: vcpu, time: time)
    monitor.counters[.integrityFaults] += 1
    monitor.raise(
      .integrityFault, on: vcpu, actions: configuration.faultActions, address: address, rip: rip,
      detail: fault.rawValue, time: time)
    returnToNormal(vcpu)
  }

  /// VMFUNC leaf 0 at the place of a hypercall: the processor switches at once and asks nobody; what follows must be
  /// fetched with the new set.
  func vmfunc(to set: TableSet, by call: Hypercall, on vcpu: Int) -> HypercallResult {
    guard let registration = monitor.registration else {
      // The EPTP list is empty before GI_INIT: the processor refuses, and exits.
      refusedVMFUNC(on: vcpu, address: call.ripAddress, rip: call.rip, time: call.time)
      return .refused(.notInitialised)
    }
    let mode: Mode = set == .integrity ? .integrity : .normal
    enterByVMFUNC(mode, on: vcpu, time: call.time)
    switchSet(of: vcpu, to: set, by: .vmfunc)
    if mode == .integrity, configuration.integrityExecution == .giCodeOnly,
      !registration.code.contains(call.ripAddress.page)
    {
      processors.exit(.eptViolation, on: vcpu)
      integrityFault(.foreignFetch, on: vcpu, address: call.ripAddress, rip: call.rip, time: call.time)
      return .refused(.outsideGICode)
    }
    return .success
  }

  /// Tells the hypervisor which EPTP a vCPU runs with, as it would find it in the VMCS at the next exit: under
  /// ``Switching/eptpByVMFUNC`` the guest switches by itself, and the EPTP is the mode.
  public func observe(_ pointer: EPTPointer, on vcpu: Int, time: UInt64) {
    guard configuration.switching == .eptpByVMFUNC, monitor.vcpus.indices.contains(vcpu) else { return }
    let mode: Mode = pointer == eptp(of: .integrity) ? .integrity : .normal
    monitor.vcpus[vcpu].activate(pointer == eptp(of: .open) ? .open : configuration.switching.set(in: mode))
    enterByVMFUNC(mode, on: vcpu, time: time)
  }

  /// Notes the mode that a vCPU has put itself in.
  private func enterByVMFUNC(_ mode: Mode, on vcpu: Int, time: UInt64) {
    guard mode != monitor.vcpus[vcpu].mode else { return }
    monitor.vcpus[vcpu].mode = mode
    monitor.vcpus[vcpu].enteredAt = nil
    if mode == .integrity { monitor.counters[.entries] += 1 } else { monitor.lastWindow = time }
  }

  /// Reports a VMFUNC that the processor refused: no table set stands where the guest looked for one.
  public func refusedVMFUNC(
    on vcpu: Int, address: GuestPhysicalAddress, rip: GuestLinearAddress, time: UInt64
  ) {
    guard monitor.vcpus.indices.contains(vcpu) else { return }
    processors.exit(.vmfunc, on: vcpu)
    monitor.counters[.hypercallsRefused] += 1
    monitor.raise(
      .entry, on: vcpu, actions: configuration.hypercallActions, address: address, rip: rip,
      detail: Int32(HypercallError.notInitialised.rawValue), time: time)
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
    switch configuration.switching {
    case .eptpByExit, .eptpByVMFUNC:
      switchSet(of: vcpu, to: configuration.switching.set(in: monitor.vcpus[vcpu].mode), by: .vmcsWrite)
    case .toggleWriteBits:
      let open = monitor.vcpus.contains { $0.mode == .integrity }
      let ranges = monitor.registration?.ownPages ?? []
      // Rights of leaves that are split already: no page for tables is needed, so this cannot fail.
      if let debt = try? monitor.tracing.setOwnPages(open: open, in: ranges) { settle(debt, from: vcpu) }
    case .filterByMode: break
    }
  }
}
