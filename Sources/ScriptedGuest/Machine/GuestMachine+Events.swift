import Addresses
import EPT
import GuestIntegrity

// What comes from outside the instruction stream.
extension GuestMachine {
  /// A maskable interrupt: let in at once, or kept until the guest and the hypervisor let it in.
  package func interrupt(_ vector: UInt8, on vcpu: Int) {
    hypervisor.processors.pending[vcpu].append(vector)
    letInterruptsIn(on: vcpu)
  }

  func letInterruptsIn(on vcpu: Int) {
    guard registers(of: vcpu).interruptsEnabled, !hypervisor.processors.holdsInterrupts[vcpu],
      let vector = hypervisor.processors.pending[vcpu].first
    else { return }
    hypervisor.processors.pending[vcpu].removeFirst()
    deliver(vector, on: vcpu)
  }

  /// A non-maskable interrupt: it exits, and integrity mode is over before the guest's handler runs.
  package func nonMaskableInterrupt(on vcpu: Int) {
    hypervisor.processors.exit(.nonMaskableInterrupt, on: vcpu)
    hypervisor.integrityFault(
      .nonMaskableInterrupt, on: vcpu, address: GuestPhysicalAddress(0), rip: registers(of: vcpu).rip, time: time)
    deliver(2, on: vcpu)
  }

  /// Delivers an event through the guest's interrupt-descriptor table: frame onto the stack, then the handler.
  private func deliver(_ vector: UInt8, on vcpu: Int) {
    let old = registers(of: vcpu)
    hypervisor.processors.machines[vcpu].guest.deliveringEvent = true
    defer { hypervisor.processors.machines[vcpu].guest.deliveringEvent = false }
    let gate = GuestLinearAddress(old.idtBase &+ UInt64(vector) * 16)
    guard case .ready(let low) = resolve(gate, .read, on: vcpu) else { return }
    let offset = memory.load(low) & 0xffff | (memory.load(low) >> 48) << 16
    let handler = offset | memory.load(HostPhysicalAddress(low.rawValue + 8)) << 32
    let stack = old.rsp & ~0xf
    let frame = [old.rip.rawValue, 0x10, old.rflags, old.rsp, 0x18]
    for (index, word) in frame.enumerated() {
      let place = GuestLinearAddress(stack &- 40 &+ UInt64(index) * 8)
      _ = perform((0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) }, at: place, on: vcpu)
    }
    setRegisters(of: vcpu) {
      $0.rsp = stack &- 40
      $0.rip = GuestLinearAddress(handler)
      $0.interruptsEnabled = false
      $0.cpl = 0
    }
  }

  /// A device model stores on its device's behalf, in pieces of 64 bytes; false if the hypervisor does not let it go on.
  @discardableResult
  package func deviceStore(_ bytes: [UInt8], at address: GuestPhysicalAddress, for vcpu: Int = 0) -> Bool {
    tick()
    return stride(from: 0, to: bytes.count, by: 64).allSatisfy { start in
      let place = GuestPhysicalAddress(address.rawValue + UInt64(start))
      return storeForDevice(bytes[start..<min(start + 64, bytes.count)], at: place, for: vcpu)
    }
  }

  private func storeForDevice(_ bytes: ArraySlice<UInt8>, at address: GuestPhysicalAddress, for vcpu: Int) -> Bool {
    let store = Store(
      vcpu: vcpu, address: address, size: bytes.count, value: StoredValue(firstOf: bytes), time: time)
    guard hypervisor.handleDeviceStore(store).isCompleted else { return false }
    for (index, byte) in bytes.enumerated() {
      setByte(byte, at: GuestPhysicalAddress(address.rawValue + UInt64(index)))
    }
    return true
  }
}
