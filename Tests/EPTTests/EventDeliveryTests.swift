import Addresses
import Testing

@testable import EPT

@Suite("Delivery of events")
struct EventDeliveryTests {
  static let registers = DeliveryRegisters(
    idt: GuestLinearAddress(0x20000), gdt: GuestLinearAddress(0x21000), taskState: GuestLinearAddress(0x22000),
    privilegeLevel: 3, stackPointer: 0x35008)

  /// A guest with a gate for vector 14, code segments of privilege 0 (8) and 3 (10), conforming of 0 (18), and stacks.
  static func world(gate: UInt64 = 0x8e00_0008_0000, _ registers: DeliveryRegisters = registers) -> GuestWorld {
    var world = GuestWorld()
    world.set(GuestWorld.base + registers.idt.rawValue + 14 * 16, gate)
    for (selector, segment) in [
      (8, 0x00af_9b00_0000_ffff), (0x10, 0x00af_fb00_0000_ffff), (0x18, 0x00af_9f00_0000_ffff),
    ] as [(UInt64, UInt64)] {
      world.set(GuestWorld.base + registers.gdt.rawValue + selector, segment)
    }
    // RSP0 lies at 4, across two words; IST2 at 2ch.
    world.set(GuestWorld.base + 0x22000, 0x0003_1008 << 32)
    world.set(GuestWorld.base + 0x22008, 0)
    world.set(GuestWorld.base + 0x22028, 0x0003_2000 << 32)
    world.set(GuestWorld.base + 0x22030, 0)
    world.machine.guest.nmiUnblocking = true
    return world
  }

  static func deliver(
    _ world: inout GuestWorld, errorCode: Bool = false, _ registers: DeliveryRegisters = registers
  ) -> (accesses: [DeliveryAccess], end: DeliveryEnd) {
    var nobody = NoObserver()
    return world.machine.deliver(vector: 14, hasErrorCode: errorCode, registers, &nobody)
  }

  static func text(_ access: DeliveryAccess) -> String {
    "\(access.purpose) \(hex(access.linear.rawValue)) \(access.byteCount)\(access.isWrite ? " w" : "")\(access.isUser ? " u" : "")"
  }

  @Test("reads gate, code segment and stack pointer, then pushes, each where the manual says")
  func accesses() {
    Claims.table("accesses of event delivery") {
      func pushes(_ top: UInt64, _ count: UInt64, _ mark: String = "") -> [String] {
        (1...count).map { "stack \(hex(top - 8 * $0)) 8 w\(mark)" }
      }
      let start = ["gate 200e0 16", "codeSegment 21008 8"]
      var kernel = Self.registers
      kernel.privilegeLevel = 0
      for (name, gate, registers, errorCode, rest) in [
        (
          "from privilege 3 to 0", 0x8e00_0008_0000, Self.registers, false,
          ["stackPointer 22004 8"] + pushes(0x31000, 5)
        ),
        ("with an error code", 0x8f00_0008_0000, Self.registers, true, ["stackPointer 22004 8"] + pushes(0x31000, 6)),
        ("within privilege 0", 0x8e00_0008_0000, kernel, false, pushes(0x35000, 5)),
        ("on an interrupt stack", 0x8e02_0008_0000, kernel, false, ["stackPointer 2202c 8"] + pushes(0x32000, 5)),
      ] as [(String, UInt64, DeliveryRegisters, Bool, [String])] {
        var world = Self.world(gate: gate)
        let before = world.machine.guest
        let (accesses, end) = Self.deliver(&world, errorCode: errorCode, registers)
        claim(
          end == .delivered && accesses.map(Self.text) == start + rest, "\(name): \(accesses.map(Self.text)), \(end)")
        claim(world.machine.guest == before, "\(name): the registers are as before")
      }
      // To privilege 3, by a code segment of it and by one that conforms.
      for selector in [0x10, 0x18] as [UInt64] {
        var world = Self.world(gate: 0xee00_0000_0000 | selector << 16)
        let found = Self.deliver(&world).accesses.map(Self.text)
        claim(
          found == ["gate 200e0 16", "codeSegment \(hex(0x21000 + selector)) 8"] + pushes(0x35000, 5, " u"), "\(found)")
      }
      var world = Self.world()
      world.set(GuestWorld.base + 0x21008, 0x00af_9a00_0000_ffff)
      let found = Self.deliver(&world).accesses.map(Self.text)
      claim(found.dropFirst(2).first == "accessedBit 2100d 1 w", "\(found)")
    }
  }

  @Test("is refused where EPT refuses one of them: no #VE, bit 12 undefined, nothing after it")
  func refused() {
    Claims.table("refused event delivery") {
      let pages: [(UInt64, UInt64, Int)] = [
        (0x20, 0x200e0, 1), (0x21, 0x21008, 2), (0x22, 0x22004, 3), (0x30, 0x30ff8, 4),
      ]
      for (page, gpa, count) in pages {
        for entry in [0, 0x430] as [UInt64] {
          var world = Self.world()
          world.machine.controls.set(.eptViolationVE, to: true)
          world.machine.fields.exceptionInformation = HostPhysicalAddress(0x7000)
          world.set(GuestWorld.slot(page), entry == 0 ? 0 : GuestWorld.base + page << 12 | 0x434)
          let (accesses, end) = Self.deliver(&world)
          guard case .refused(.violation(let violation)) = end else {
            claim(false, "page \(hex(page)): \(end)")
            continue
          }
          claim(
            violation.gpa.rawValue == gpa && accesses.count == count,
            "page \(hex(page)): \(hex(violation.gpa.rawValue))")
          claim(violation.qualification.rawValue & 0x1000 == 0, "bit 12 is undefined, hence 0")
          claim(violation.qualification.rawValue & 0x183 == (page == 0x30 ? 0x182 : 0x181), "read or write")
          claim(world.get(0x7000) == 0, "no virtualization exception")
          // The same access by an instruction: bit 12 is defined, and a violation may be converted.
          let outcome = world.linear(gpa, page == 0x30 ? .write : .read)
          guard case .virtualizationException(let exception) = outcome else {
            claim(false, "by an instruction: \(outcome.summary)")
            continue
          }
          claim(exception.qualification.rawValue & 0x1000 != 0, "bit 12 by an instruction")
        }
      }
      // A gate in two pages, of which the second is missing.
      let registers = DeliveryRegisters(
        idt: GuestLinearAddress(0x20f18), gdt: GuestLinearAddress(0x24000), taskState: GuestLinearAddress(0x22000),
        privilegeLevel: 0, stackPointer: 0x35008)
      var world = Self.world(registers)
      world.set(GuestWorld.slot(0x21), 0)
      guard case .refused(.violation(let violation)) = Self.deliver(&world, registers).end else {
        return claim(false, "crossing gate")
      }
      claim(violation.gpa.rawValue == 0x21000, "the second page of the gate")
    }
  }

  @Test("reads tables in supervisor mode whatever EFLAGS.AC says, and pushes by the handler's mode")
  func implicit() {
    Claims.table("implicit accesses") {
      for (tables, ac) in [(true, false), (true, true), (false, false), (false, true)] {
        var world = Self.world()
        world.machine.guest.smap = true
        world.machine.guest.alignmentCheck = ac
        // Supervisor pages: of the tables, of the stack, or of both.
        for page in [0x20, 0x21, 0x22, 0x30] as [UInt64] where tables == (page != 0x30) {
          world.set(GuestWorld.guestSlot(4, page), page << 12 | 0x63)
        }
        let (accesses, end) = Self.deliver(&world)
        if tables {
          // The stack is a user page: AC decides.
          claim(
            ac ? end == .delivered : accesses.last?.purpose == .stack && end != .delivered, "stack, AC \(ac): \(end)")
        } else {
          claim(accesses.count == 1 && end != .delivered, "tables in user pages are refused, AC \(ac): \(end)")
        }
      }
    }
  }

  @Test("ends where gate or code segment raise an exception of their own")
  func badDescriptors() {
    Claims.table("bad descriptors") {
      for (gate, segment, end) in [
        (0x0e00_0008_0000, nil, .badDescriptor(.gate)), (0x8500_0008_0000, nil, .badDescriptor(.gate)),
        (0x8e00_0008_0000, 0x00af_1b00_0000_ffff, .badDescriptor(.codeSegment)),
        (0x8e00_0008_0000, 0x00af_9300_0000_ffff, .badDescriptor(.codeSegment)),
        (0x8e00_0008_0000, 0x00cf_9b00_0000_ffff, .badDescriptor(.codeSegment)), (0x8e00_0008_0000, nil, .delivered),
      ] as [(UInt64, UInt64?, DeliveryEnd)] {
        var world = Self.world(gate: gate)
        if let segment { world.set(GuestWorld.base + 0x21008, segment) }
        claim(Self.deliver(&world).end == end, "\(hex(gate)) \(segment.map(hex) ?? "")")
      }
    }
  }
}
