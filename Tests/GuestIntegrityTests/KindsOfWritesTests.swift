import Addresses
import EPT
import GuestIntegrity
import MonitorTree
import ScriptedGuest
import Testing

/// Writes that are more than a store of a register, each under every mechanism, observed and blocked.
@Suite("A noticed write, of any kind")
struct KindsOfWritesTests {
  let word = GuestPhysicalAddress(GuestLayout.text.first.address.rawValue + 0x800)
  var linear: GuestLinearAddress { GuestLayout.direct(word) }
  static let policies: [AlertActions] = [.log, [.log, .blockWrite]]

  /// Whether a write is performed: what has been let through and logged cannot be blocked any more.
  static func isPerformed(_ actions: AlertActions, under mechanism: Mechanism) -> Bool {
    !actions.contains(.blockWrite) || mechanism.isLogged
  }

  @Test(
    "of 1 to 64 bytes is one event with the first bytes it replaced and left, performed whole or not at all",
    arguments: [1, 2, 4, 8, 9, 16, 32, 64], policies)
  func sizes(size: Int, actions: AlertActions) throws {
    for mechanism in Mechanism.every {
      let machine = try GuestMachine.armed(mechanism, actions)
      let bytes = (0..<size).map { UInt8(0xa0 + $0 % 16) }
      let around = (-1...size).map { machine.loadByte(at: word, $0) }
      let performed = Self.isPerformed(actions, under: mechanism)
      #expect(machine.store(bytes: bytes, at: linear, on: 1) == (performed ? .done : .blocked), "\(mechanism)")
      let expected = performed ? [around[0]] + bytes + [around[size + 1]] : around
      #expect((-1...size).map { machine.loadByte(at: word, $0) } == expected, "\(mechanism)")
      let events = machine.takeEvents()
      try #require(events.count == 1, "\(mechanism)")
      // A log tells the page, not what was written.
      guard !mechanism.isLogged else { continue }
      #expect(events[0].size == UInt8(size))
      #expect(events[0].flags.contains(.blocked) != performed)
      #expect(events[0].oldValue.bytes(min(size, 16)) == Array(around[1...size].prefix(16)))
      #expect(events[0].newValue.bytes(min(size, 16)) == Array(bytes.prefix(16)))
    }
  }

  @Test(
    "that straddles pages is one event, whichever half is protected, and all of it is performed or none",
    arguments: Mechanism.immediate, [AlertActions.log, .blockWrite])
  func straddling(mechanism: Mechanism, actions: AlertActions) throws {
    let first = GuestLayout.text.first.address.rawValue
    let end = GuestLayout.rodata.last.address.rawValue + 4096
    for (start, secondOnly) in [(first - 3, true), (end - 5, false)] {
      let machine = try GuestMachine.armed(mechanism, actions)
      let place = GuestPhysicalAddress(start)
      let before = (0..<8).map { machine.loadByte(at: place, $0) }
      machine.store(bytes: [1, 2, 3, 4, 5, 6, 7, 8], at: GuestLayout.direct(place), on: 1)
      let after = (0..<8).map { machine.loadByte(at: place, $0) }
      #expect(after == (actions == .log ? [1, 2, 3, 4, 5, 6, 7, 8] : before))
      let events = machine.takeEvents()
      try #require(events.count == 1)
      #expect(events[0].flags.contains(.straddles))
      #expect(events[0].flags.contains(.secondPageOnly) == secondOnly)
      #expect(events[0].oldValue.bytes(8) == before)
      #expect(events[0].secondPage == GuestPhysicalAddress(start + 7).page)
    }
  }

  @Test("that straddles two protected pages of different owners carries the actions of both")
  func straddlingTwoOwners() throws {
    let machine = try GuestMachine.armed(Mechanism(switching: .eptpByExit), .log)
    GIDriver(machine).window {
      GIDriver(machine).protect(PageRange(page: GuestLayout.syscalls.first), .networkIsolate, region: 9)
    }
    let place = GuestPhysicalAddress(GuestLayout.syscalls.first.address.rawValue - 4)
    machine.store(1, at: GuestLayout.direct(place), on: 1)
    #expect(machine.takeEvents().map(\.actions) == [[.log, .networkIsolate]])
    #expect(machine.hypervisor.machine.isIsolated)
  }

  @Test(
    "that reads, modifies and writes is performed once, or not at all, and raises one event",
    arguments: Mechanism.every, policies)
  func readModifyWrite(mechanism: Mechanism, actions: AlertActions) throws {
    let machine = try GuestMachine.armed(mechanism, actions)
    let before = machine.word(at: word)
    let performed = Self.isPerformed(actions, under: mechanism)
    #expect(machine.add(3, to: linear, on: 1) == (performed ? .done : .blocked))
    #expect(machine.word(at: word) == (performed ? before + 3 : before))
    let events = machine.takeEvents()
    try #require(events.count == 1)
    guard !mechanism.isLogged else { return }
    #expect(events[0].oldValue == StoredValue(low: before))
    #expect(events[0].newValue == StoredValue(low: before + 3))
  }

  /// A machine with page tables protected, and the entry of the user program's page, its flags clear.
  static func machineWithClearFlags(
    _ mechanism: Mechanism, _ actions: AlertActions
  ) throws -> (GuestMachine, GuestPhysicalAddress) {
    let machine = try GuestMachine(Configuration(mechanism))
    let cr3 = machine.registers(of: 1).cr3
    let entry = machine.entryAddress(for: GuestLayout.userBody, level: 1, cr3: cr3)
    machine.poke(machine.word(at: entry) & ~0x60, at: entry)
    GIDriver(machine).arm(actions, pageTables: true)
    // With accessed and dirty flags for EPT every access to a page table counts as a write to it (SDM vol. 3C,
    // "Accessed and Dirty Flags for EPT"): what has been logged so far is not what is asked for here.
    _ = machine.takeEvents()
    return (machine, entry)
  }

  @Test(
    "by the page walk into a protected page table is noticed, performed, and the access goes on",
    arguments: Mechanism.every)
  func pageWalk(mechanism: Mechanism) throws {
    let (machine, entry) = try Self.machineWithClearFlags(mechanism, .log)
    #expect(machine.load(GuestLayout.userBody, on: 1).isDone)
    #expect(machine.word(at: entry) & 0x60 == 0x20)
    let accessed = machine.takeEvents()
    #expect(accessed.contains { $0.address.page == entry.page })
    if !mechanism.isLogged {
      try #require(accessed.count == 1)
      #expect(accessed[0].flags.contains(.pageWalk))
      #expect(accessed[0].address == entry)
      #expect(accessed[0].oldValue.low & 0x60 == 0 && accessed[0].newValue.low & 0x60 == 0x20)
    }
    // The dirty flag is another write, and only the first store sets it.
    #expect(machine.store(1, at: GuestLayout.userBody, on: 1) == .done)
    #expect(machine.store(2, at: GuestLayout.userBody, on: 1) == .done)
    #expect(machine.word(at: entry) & 0x60 == 0x60)
    #expect(machine.takeEvents().count { $0.address.page == entry.page } == 1)
  }

  @Test("by the page walk is not performed when it is blocked, and the access is not made", arguments: Mechanism.every)
  func pageWalkBlocked(mechanism: Mechanism) throws {
    let (machine, entry) = try Self.machineWithClearFlags(mechanism, .blockWrite)
    let performed = Self.isPerformed(.blockWrite, under: mechanism)
    #expect((machine.load(GuestLayout.userBody, on: 1) == .blocked) != performed)
    #expect(machine.word(at: entry) & 0x60 == (performed ? 0x20 : 0))
    let before = machine.word(at: GuestPhysicalAddress(GuestLayout.user.first.address.rawValue + 0x40))
    #expect((machine.store(before ^ 1, at: GuestLayout.userBody, on: 1) == .blocked) != performed)
    let after = machine.word(at: GuestPhysicalAddress(GuestLayout.user.first.address.rawValue + 0x40))
    #expect(after == (performed ? before ^ 1 : before))
    #expect(!machine.takeEvents().isEmpty)
  }

  @Test(
    "by a device model is judged like any other, of any length, performed or not", arguments: Mechanism.every, policies)
  func device(mechanism: Mechanism, actions: AlertActions) throws {
    for bytes in [1, 4, 16, 64, 200] {
      let machine = try GuestMachine.armed(mechanism, actions)
      let data = (0..<bytes).map { UInt8(0x30 + $0 % 64) }
      let before = (0..<bytes).map { machine.loadByte(at: word, $0) }
      // A device is stopped before it stores, whatever becomes of the guest's own stores.
      let performed = !actions.contains(.blockWrite)
      #expect(machine.deviceStore(data, at: word) == performed)
      #expect((0..<bytes).map { machine.loadByte(at: word, $0) } == (performed ? data : before))
      let events = machine.takeEvents()
      #expect(events.allSatisfy { $0.flags.contains(.device) && $0.cause == .protectedPage })
      // A long transfer is pieces of 64 bytes, and ends at the first one that is blocked.
      #expect(events.count == (performed ? (bytes + 63) / 64 : 1))
      #expect(events[0].oldValue.bytes(min(bytes, 16)) == Array(before.prefix(16)))
      #expect(events[0].newValue.bytes(min(bytes, 16)) == Array(data.prefix(16)))
      #expect(machine.deviceStore(data, at: GuestLayout.kernelData.first.address))
      #expect(machine.takeEvents() == [])
    }
  }

  @Test("by a device model is never the driver's, whatever mode a vCPU is in", arguments: Mechanism.every)
  func deviceIsNotTheDriver(mechanism: Mechanism) throws {
    let machine = try GuestMachine.armed(mechanism)
    GIDriver(machine).window {
      for range in [GuestLayout.data, GuestLayout.nodes] {
        #expect(!machine.deviceStore([1], at: range.first.address))
      }
    }
    let events = machine.takeEvents().filter { $0.flags.contains(.device) }
    #expect(events.map(\.cause) == [.giData, .treePage])
  }

  @Test("by a device model that runs into a protected page is judged whole", arguments: Mechanism.every)
  func deviceStraddles(mechanism: Mechanism) throws {
    let machine = try GuestMachine.armed(mechanism, .blockWrite)
    let start = GuestPhysicalAddress(GuestLayout.text.first.address.rawValue - 8)
    let before = (0..<32).map { machine.loadByte(at: start, $0) }
    #expect(!machine.deviceStore([UInt8](repeating: 0x5a, count: 32), at: start))
    #expect((0..<32).map { machine.loadByte(at: start, $0) } == before)
    #expect(machine.takeEvents().map { $0.flags.contains(.secondPageOnly) } == [true])
  }

  @Test("beside the protected bytes of a page passes where sub-page permissions are used")
  func subPages() throws {
    let page = GuestPageNumber(GuestLayout.kernelData.first.rawValue + 8)
    let start = page.address.rawValue
    let machine = try GuestMachine.armed(Mechanism(switching: .eptpByExit, noticing: .subPagePermissions)) {
      $0.regionBytes[RegionID(6)] = [start + 0x200..<start + 0x208]
    }
    GIDriver(machine).window { GIDriver(machine).protect(PageRange(page: page), .log, region: 6) }
    func events(at offset: UInt64, bytes: Int) -> Int {
      machine.store(
        bytes: [UInt8](repeating: 1, count: bytes), at: GuestLayout.direct(GuestPhysicalAddress(start + offset)), on: 1)
      return machine.takeEvents().count
    }
    #expect(events(at: 0x200, bytes: 8) == 1)
    // The sub-page of 128 bytes is the finest there is.
    #expect(events(at: 0x278, bytes: 8) == 1)
    #expect(events(at: 0x1f8, bytes: 8) == 0)
    #expect(events(at: 0x280, bytes: 8) == 0)
    #expect(events(at: 0x1fc, bytes: 8) == 1)
    // Another region claims the page: what it protects is all of it.
    GIDriver(machine).window { GIDriver(machine).protect(PageRange(page: page), .log, region: 7) }
    #expect(events(at: 0x280, bytes: 8) == 1)
    GIDriver(machine).window { GIDriver(machine).unprotect(PageRange(page: page), region: 7) }
    #expect(events(at: 0x280, bytes: 8) == 0)
    #expect(events(at: 0x200, bytes: 8) == 1)
  }

  @Test("beside protected bytes does not pass where another client traces the page, or has nothing left to protect")
  func subPagesAndOthers() throws {
    let page = GuestPageNumber(GuestLayout.kernelData.first.rawValue + 8)
    let start = page.address.rawValue
    let machine = try GuestMachine.armed(Mechanism(switching: .eptpByExit, noticing: .subPagePermissions)) {
      $0.regionBytes[RegionID(6)] = [start + 0x200..<start + 0x208]
    }
    let driver = GIDriver(machine)
    let client = try #require(machine.hypervisor.addTraceClient())
    func exits() -> Int {
      let before = machine.hypervisor.processors.exits[.eptViolation, default: 0]
      machine.store(1, at: GuestLayout.direct(GuestPhysicalAddress(start + 0x280)), on: 1)
      return machine.hypervisor.processors.exits[.eptViolation, default: 0] - before
    }
    driver.window { driver.protect(PageRange(page: page), .log, region: 6) }
    #expect(exits() == 0)
    try machine.hypervisor.trace(PageRange(page: page), for: client, on: 0)
    #expect(exits() == 1)
    // What exits is judged by the page, as without sub-page permissions.
    #expect(machine.takeEvents().map(\.region) == [RegionID(6)])
    try machine.hypervisor.untrace(PageRange(page: page), for: client, on: 0)
    #expect(exits() == 0)
    driver.window { driver.unprotect(PageRange(page: page), region: 6) }
    #expect(exits() == 0)
    try machine.hypervisor.trace(PageRange(page: page), for: client, on: 0)
    #expect(exits() == 1)
    #expect(machine.takeEvents() == [])
    #expect(machine.hypervisor.audit() == [])
  }
}

extension GuestMachine {
  func loadByte(at address: GuestPhysicalAddress, _ offset: Int) -> UInt8 {
    let place = GuestPhysicalAddress(address.rawValue &+ UInt64(bitPattern: Int64(offset)))
    return UInt8(truncatingIfNeeded: word(at: GuestPhysicalAddress(place.rawValue & ~7)) >> ((place.rawValue & 7) * 8))
  }
}

extension StoredValue {
  func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { index in
      let half = index < 8 ? low : high
      return UInt8(truncatingIfNeeded: half >> UInt64(index % 8 * 8))
    }
  }
}
