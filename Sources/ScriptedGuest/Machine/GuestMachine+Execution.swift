import Addresses
import EPT
import GuestIntegrity

// Instructions, a method each. All are seven bytes long, as a hypercall is.
extension GuestMachine {
  static let instructionBytes: UInt64 = 7

  /// Executes nothing at a vCPU's RIP: whether it can be fetched.
  @discardableResult
  package func noOperation(on vcpu: Int) -> StepOutcome { execute(on: vcpu) { .done } }

  /// Goes on at another address, of the same privilege level.
  @discardableResult
  package func jump(to target: GuestLinearAddress, on vcpu: Int) -> StepOutcome {
    setRegisters(of: vcpu) { $0.rip = target }
    return noOperation(on: vcpu)
  }

  /// Loads a qword.
  package func load(_ linear: GuestLinearAddress, on vcpu: Int) -> StepOutcome {
    execute(on: vcpu) {
      switch resolve(linear, .read, on: vcpu) {
      case .ready(let host): .value(memory.load(host))
      case .refused(let outcome): outcome
      }
    }
  }

  /// Stores a qword.
  @discardableResult
  package func store(_ value: UInt64, at linear: GuestLinearAddress, on vcpu: Int) -> StepOutcome {
    store(bytes: (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }, at: linear, on: vcpu)
  }

  /// Stores 1...64 bytes by one instruction.
  @discardableResult
  package func store(bytes: [UInt8], at linear: GuestLinearAddress, on vcpu: Int) -> StepOutcome {
    guard (1...64).contains(bytes.count) else { return .fault(.undefinedOpcode) }
    return execute(on: vcpu) { perform(bytes, at: linear, on: vcpu) }
  }

  /// Adds to a qword in memory: a read-modify-write.
  @discardableResult
  package func add(_ addend: UInt64, to linear: GuestLinearAddress, on vcpu: Int) -> StepOutcome {
    execute(on: vcpu) {
      let host: HostPhysicalAddress
      switch resolve(linear, .read, on: vcpu) {
      case .ready(let place): host = place
      case .refused(let outcome): return outcome
      }
      let sum = memory.load(host) &+ addend
      return perform((0..<8).map { UInt8(truncatingIfNeeded: sum >> ($0 * 8)) }, at: linear, on: vcpu)
    }
  }

  /// Executes a hypercall (VMCALL).
  @discardableResult
  package func hypercall(
    _ number: HypercallNumber, _ rdi: UInt64 = 0, _ rsi: UInt64 = 0, _ rdx: UInt64 = 0, _ r10: UInt64 = 0,
    on vcpu: Int
  ) -> StepOutcome {
    execute(on: vcpu) {
      let registers = registers(of: vcpu)
      guard let address = guestTranslation(of: registers.rip, cr3: registers.cr3) else { return .fault(.pageFault) }
      let call = Hypercall(
        number: number.rawValue, rdi: rdi, rsi: rsi, rdx: rdx, r10: r10, rip: registers.rip, ripAddress: address,
        rflags: registers.rflags, cpl: registers.cpl, cr3: registers.cr3, time: time)
      return .answered(hypervisor.hypercall(call, on: vcpu))
    }
  }

  /// Executes VMFUNC leaf 0 with an EPTP-list index; any privilege level may.
  @discardableResult
  package func vmfunc(_ index: UInt32, on vcpu: Int) -> StepOutcome {
    execute(on: vcpu) {
      switch hypervisor.processors.machines[vcpu].vmfunc(eax: 0, ecx: index) {
      case .undefinedOpcode: return .fault(.undefinedOpcode)
      case .exit:
        let registers = registers(of: vcpu)
        hypervisor.refusedVMFUNC(
          on: vcpu, address: guestTranslation(of: registers.rip, cr3: registers.cr3) ?? GuestPhysicalAddress(0),
          rip: registers.rip, time: time)
        return .fault(.undefinedOpcode)
      case .switched(let pointer, _):
        hypervisor.observe(pointer, on: vcpu, time: time)
        return .done
      }
    }
  }

  /// Drops what is cached of a linear address (INVLPG).
  @discardableResult
  package func invalidatePage(_ linear: GuestLinearAddress, on vcpu: Int) -> StepOutcome {
    execute(on: vcpu) {
      hypervisor.processors.machines[vcpu].invlpg(linear)
      return .done
    }
  }

  /// Loads CR3.
  @discardableResult
  package func loadCR3(_ value: UInt64, on vcpu: Int) -> StepOutcome {
    execute(on: vcpu) {
      guard registers(of: vcpu).cpl == 0 else { return .fault(.generalProtection) }
      // Under VMFUNC the hypervisor does not know of the mode in time to intercept the load.
      if hypervisor.mode(of: vcpu) == .integrity, !hypervisor.configuration.switching.isByVMFUNC {
        hypervisor.processors.exit(.controlRegister, on: vcpu)
        hypervisor.integrityFault(
          .controlRegisterWrite, on: vcpu, address: GuestPhysicalAddress(0), rip: registers(of: vcpu).rip, time: time)
      }
      setRegisters(of: vcpu) { $0.cr3 = value }
      hypervisor.processors.machines[vcpu].moveToCR3(value)
      return .done
    }
  }

  /// Fetches at RIP, does what the instruction does, and goes on behind it, or stays where an exception was raised.
  func execute(on vcpu: Int, _ body: () -> StepOutcome) -> StepOutcome {
    guard hypervisor.machine.run == .running else { return .stopped }
    tick()
    hypervisor.advance(to: time, on: vcpu)
    let registers = registers(of: vcpu)
    switch resolve(registers.rip, .fetch, on: vcpu) {
    case .ready: break
    case .refused(.fault(let vector)): return raise(vector, on: vcpu)
    case .refused(let outcome): return outcome
    }
    let outcome = body()
    switch outcome {
    case .fault(let vector): return raise(vector, on: vcpu)
    case .stopped: return .stopped
    case .done, .value, .answered, .blocked:
      // A hypercall may have changed RIP's page tables with CR3; RIP itself it never changes.
      setRegisters(of: vcpu) { $0.rip.rawValue = registers.rip.rawValue &+ Self.instructionBytes }
      letInterruptsIn(on: vcpu)
      return hypervisor.machine.run == .running ? outcome : .stopped
    }
  }

  /// An exception in integrity mode ends it; what the guest's handler would do then is the script's to say.
  private func raise(_ vector: UInt8, on vcpu: Int) -> StepOutcome {
    if hypervisor.mode(of: vcpu) == .integrity {
      hypervisor.integrityFault(
        .exception, on: vcpu, address: GuestPhysicalAddress(0), rip: registers(of: vcpu).rip, time: time)
    }
    return .fault(vector)
  }
}
