import Addresses

/// The registers that the delivery of an event in 64-bit mode begins with.
package struct DeliveryRegisters: Hashable, Sendable {
  /// IDTR.base, GDTR.base, and the base of the task-state segment (TR).
  package var idt, gdt, taskState: GuestLinearAddress
  /// CPL.
  package var privilegeLevel: UInt8
  /// RSP.
  package var stackPointer: UInt64

  package init(
    idt: GuestLinearAddress, gdt: GuestLinearAddress, taskState: GuestLinearAddress, privilegeLevel: UInt8,
    stackPointer: UInt64
  ) {
    self.idt = idt
    self.gdt = gdt
    self.taskState = taskState
    self.privilegeLevel = privilegeLevel
    self.stackPointer = stackPointer
  }
}

/// One access that delivering an event makes.
package struct DeliveryAccess: Hashable, Sendable {
  /// What it is for.
  package enum Purpose: Hashable, Sendable {
    /// The gate in the interrupt-descriptor table, 16 bytes.
    case gate
    /// The descriptor of the handler's code segment, 8 bytes, and its accessed bit where it is clear.
    case codeSegment, accessedBit
    /// A stack pointer in the task-state segment, 8 bytes.
    case stackPointer
    /// What the handler finds on its stack: SS, RSP, RFLAGS, CS, RIP, and the error code of some, 8 bytes each.
    case stack
  }

  package let purpose: Purpose
  package let linear: GuestLinearAddress
  package let byteCount: Int
  package let isWrite: Bool
  /// A user-mode access; the tables are read in supervisor mode whatever the CPL, without regard to EFLAGS.AC.
  package let isUser: Bool
}

/// How far the delivery of an event came.
package enum DeliveryEnd: Hashable, Sendable {
  /// All of its accesses were made.
  case delivered
  /// An access was refused; the exit's IDT-vectoring information is valid.
  case refused(TranslationOutcome)
  /// The gate or the code segment is one that raises an exception of its own.
  case badDescriptor(DeliveryAccess.Purpose)
}

extension EPTMachine {
  /// Delivers an event through the interrupt-descriptor table: every access in order, each translated and judged, while an event is being
  /// delivered: bit 12 of a qualification is undefined then, and no violation becomes #VE.
  ///
  /// Sources: SDM vol. 3A, "64-Bit Mode IDT", "Interrupt Stack Table", "Stack Switching in 64-Bit Mode", "Implicit Supervisor-Mode Accesses"
  /// under "Access Rights"; vol. 3C, "Information for VM Exits That Occur During Event Delivery". Shadow stacks are not among them. What is
  /// pushed is not stored.
  package mutating func deliver<Observer: WalkObserver>(
    vector: UInt8, hasErrorCode: Bool, _ registers: DeliveryRegisters, _ observer: inout Observer
  ) -> (accesses: [DeliveryAccess], end: DeliveryEnd) {
    let before = guest
    defer { guest = before }
    guest.deliveringEvent = true
    var accesses: [DeliveryAccess] = []
    do throws(Refusal) {
      let end = try deliver(vector, hasErrorCode, registers, &accesses, &observer)
      return (accesses, end)
    } catch {
      return (accesses, .refused(error.outcome))
    }
  }

  private mutating func deliver<Observer: WalkObserver>(
    _ vector: UInt8, _ hasErrorCode: Bool, _ registers: DeliveryRegisters, _ accesses: inout [DeliveryAccess],
    _ observer: inout Observer
  ) throws(Refusal) -> DeliveryEnd {
    let gateAddress = registers.idt.advanced(by: 16 * UInt64(vector))
    let gate = try make(.init(.gate, gateAddress, 16), &accesses, &observer)
    // Present, of type interrupt or trap gate.
    guard gate >> 47 & 1 == 1, gate >> 41 & 7 == 7 else { return .badDescriptor(.gate) }
    let segmentAddress = registers.gdt.advanced(by: gate >> 16 & 0xfff8)
    let segment = try make(.init(.codeSegment, segmentAddress, 8), &accesses, &observer)
    // Present, a code segment of 64-bit mode, not less privileged than the CPL unless it conforms.
    let (level, conforms) = (UInt8(segment >> 45 & 3), segment >> 42 & 1 == 1)
    guard segment >> 47 & 1 == 1, segment >> 43 & 3 == 3, segment >> 53 & 3 == 1, level <= registers.privilegeLevel
    else { return .badDescriptor(.codeSegment) }
    if segment >> 40 & 1 == 0 {
      _ = try make(.init(.accessedBit, segmentAddress.advanced(by: 5), 1, isWrite: true), &accesses, &observer)
    }
    let handlerLevel = conforms ? registers.privilegeLevel : level
    var stack = registers.stackPointer
    let interruptStack = gate >> 32 & 7
    if interruptStack != 0 || handlerLevel < registers.privilegeLevel {
      let offset = interruptStack != 0 ? 28 + 8 * interruptStack : 4 + 8 * UInt64(handlerLevel)
      stack = try make(.init(.stackPointer, registers.taskState.advanced(by: offset), 8), &accesses, &observer)
    }
    stack &= ~15
    for _ in 0..<(hasErrorCode ? 6 : 5) {
      stack &-= 8
      let push = DeliveryAccess(.stack, GuestLinearAddress(stack), 8, isWrite: true, isUser: handlerLevel == 3)
      _ = try make(push, &accesses, &observer)
    }
    return .delivered
  }

  private struct Refusal: Error {
    let outcome: TranslationOutcome
  }

  /// Makes one access, page by page; its first 8 bytes.
  private mutating func make<Observer: WalkObserver>(
    _ access: DeliveryAccess, _ accesses: inout [DeliveryAccess], _ observer: inout Observer
  ) throws(Refusal) -> UInt64 {
    accesses.append(access)
    let alignmentCheck = guest.alignmentCheck
    // Only the accesses to the tables are implicit; the pushes are the handler's own mode's.
    if access.purpose != .stack { guest.alignmentCheck = false }
    defer { guest.alignmentCheck = alignmentCheck }
    var value: UInt64 = 0
    var page: (number: UInt64, at: HostPhysicalAddress)?
    for offset in 0..<UInt64(access.byteCount) {
      let linear = access.linear.advanced(by: offset)
      if page?.number != linear.rawValue >> 12 {
        let kind: AccessKind = access.isWrite ? .write : .read
        switch self.access(linear: linear, kind, user: access.isUser, &observer) {
        case .translated(let translation):
          page = (linear.rawValue >> 12, HostPhysicalAddress(translation.hpa.rawValue & ~0xfff))
        case let outcome: throw Refusal(outcome: outcome)
        }
      }
      guard offset < 8, let page else { continue }
      let address = page.at.rawValue | linear.rawValue & 0xfff
      let word = memory.load(HostPhysicalAddress(address & ~7))
      value |= (word >> (8 * (address & 7)) & 0xff) << (8 * offset)
    }
    return value
  }
}

extension DeliveryAccess {
  init(
    _ purpose: Purpose, _ linear: GuestLinearAddress, _ byteCount: Int, isWrite: Bool = false, isUser: Bool = false
  ) {
    self.init(purpose: purpose, linear: linear, byteCount: byteCount, isWrite: isWrite, isUser: isUser)
  }
}

extension GuestLinearAddress {
  fileprivate func advanced(by offset: UInt64) -> Self { Self(rawValue &+ offset) }
}
