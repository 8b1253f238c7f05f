import Addresses
import EPT
import GuestIntegrity

extension GuestMachine {
  /// A part of a store that one translation covers.
  private struct Piece {
    var linear: GuestLinearAddress
    var bytes: ArraySlice<UInt8>
  }

  /// Stores bytes at a linear address: every page must allow it before any byte is written.
  func perform(_ bytes: [UInt8], at linear: GuestLinearAddress, on vcpu: Int) -> StepOutcome {
    // The first try may find a translation that had been cached and is not valid any more.
    for attempt in 0..<2 {
      switch translate(pieces(of: bytes, at: linear), on: vcpu) {
      case .ready(let places):
        write(bytes, at: places)
        return .done
      case .stop(let outcome): return outcome
      case .refused(let violation, let isException):
        let verdict = report(bytes, at: linear, violation, on: vcpu)
        if isException { clearExceptionArea(of: vcpu) }
        if verdict.finding == .notMine, verdict.otherClients.isEmpty, attempt == 0 { continue }
        return complete(bytes, at: linear, verdict, on: vcpu)
      }
    }
    return .stopped
  }

  private enum Translation {
    case ready([(HostPhysicalAddress, ArraySlice<UInt8>)])
    case refused(EPTViolation, Bool)
    case stop(StepOutcome)
  }

  private func translate(_ pieces: [Piece], on vcpu: Int, completing: Bool = false) -> Translation {
    var places: [(HostPhysicalAddress, ArraySlice<UInt8>)] = []
    for piece in pieces {
      let request = LinearAccess(.write, fromUser: registers(of: vcpu).cpl == 3)
      switch resolve(piece.linear, request, on: vcpu, completing: completing) {
      case .ready(let host): places.append((host, piece.bytes))
      case .refused(let violation, let isException): return .refused(violation, isException)
      case .fault(let vector): return .stop(.fault(vector))
      case .blocked: return .stop(.blocked)
      case .stopped: return .stop(.stopped)
      }
    }
    return .ready(places)
  }

  /// The parts of a store, one a page; with sub-page permissions one a sub-page, since each of them is asked for.
  private func pieces(of bytes: [UInt8], at linear: GuestLinearAddress) -> [Piece] {
    let unit: UInt64 = hypervisor.configuration.mechanism.noticing == .subPagePermissions ? 128 : 4096
    var pieces: [Piece] = []
    var index = 0
    while index < bytes.count {
      let address = linear.rawValue &+ UInt64(index)
      let count = min(bytes.count - index, Int(unit - address % unit))
      pieces.append(Piece(linear: GuestLinearAddress(address), bytes: bytes[index..<index + count]))
      index += count
    }
    return pieces
  }

  private func write(_ bytes: [UInt8], at places: [(HostPhysicalAddress, ArraySlice<UInt8>)]) {
    for (host, bytes) in places {
      for (offset, byte) in bytes.enumerated() {
        memory.base.storeBytes(of: byte, toByteOffset: Int(host.rawValue) + offset, as: UInt8.self)
      }
    }
  }

  private func report(_ bytes: [UInt8], at linear: GuestLinearAddress, _ violation: EPTViolation, on vcpu: Int) -> Verdict {
    let registers = registers(of: vcpu)
    let address = guestTranslation(of: linear, cr3: registers.cr3) ?? violation.gpa
    let last = guestTranslation(of: GuestLinearAddress(linear.rawValue &+ UInt64(bytes.count - 1)), cr3: registers.cr3)
    var value = StoreValue(low: 0)
    for (index, byte) in bytes.prefix(16).enumerated() {
      if index < 8 {
        value.low |= UInt64(byte) << UInt64(index * 8)
      } else {
        value.high |= UInt64(byte) << UInt64(index * 8 - 64)
      }
    }
    let store = Store(
      vcpu: vcpu, address: address, size: bytes.count, secondPage: last?.page, linearAddress: linear,
      rip: registers.rip, value: value, time: time)
    return hypervisor.handle(store, violation: violation)
  }

  /// Performs a store that the hypervisor lets be performed, by the means of its mechanism.
  private func complete(_ bytes: [UInt8], at linear: GuestLinearAddress, _ verdict: Verdict, on vcpu: Int) -> StepOutcome {
    guard verdict.isCompleted else {
      return verdict.effect.contains(.faultInjected) ? .fault(.generalProtection) : .blocked
    }
    switch hypervisor.configuration.mechanism.completion {
    case .emulate, .alreadyDone: emulate(bytes, at: linear, on: vcpu)
    case .singleStep, .viewSwitch:
      hypervisor.openView(on: vcpu)
      defer { hypervisor.closeView(on: vcpu) }
      switch translate(pieces(of: bytes, at: linear), on: vcpu, completing: true) {
      case .ready(let places): write(bytes, at: places)
      case .stop(let outcome): return outcome
      case .refused: return .stopped
      }
    }
    return .done
  }

  /// The hypervisor stores byte by byte where the guest's page tables lead, whatever the tables' rights.
  private func emulate(_ bytes: [UInt8], at linear: GuestLinearAddress, on vcpu: Int) {
    for (index, byte) in bytes.enumerated() {
      let address = GuestLinearAddress(linear.rawValue &+ UInt64(index))
      if let place = guestTranslation(of: address, cr3: registers(of: vcpu).cr3) { setByte(byte, at: place) }
    }
  }
}
