import Addresses
import EPT
import GuestIntegrity
import MonitorTree
import ScriptedGuest
import Testing

@Suite("A noticed write")
struct CompletionTests {
  let word = GuestPhysicalAddress(GuestLayout.text.first.address.rawValue + 0x800)
  var linear: GuestLinearAddress { GuestLayout.direct(word) }
  static let old: UInt64 = 0x1000_0000

  @Test("is performed before the guest's next instruction, by default", arguments: Mechanism.immediate)
  func detect(mechanism: Mechanism) throws {
    let machine = try GuestMachine.armed(mechanism)
    machine.setRegisters(of: 1) { $0.rip = GuestLayout.kernelBody }
    #expect(machine.store(5, at: linear, on: 1) == .done)
    #expect(machine.load(linear, on: 1) == .value(5))
    #expect(machine.takeEvents().count == 1)
  }

  @Test("is not performed with blockWrite, and the guest goes on", arguments: Mechanism.immediate)
  func block(mechanism: Mechanism) throws {
    let machine = try GuestMachine.armed(mechanism, [.log, .blockWrite])
    let before = machine.word(at: word)
    #expect(machine.store(5, at: linear, on: 1) == .blocked)
    #expect(machine.word(at: word) == before)
    #expect(machine.registers(of: 1).rip.rawValue == GuestLayout.kernelBody.rawValue + 7)
    #expect(machine.takeEvents().map { $0.flags.contains(.blocked) } == [true])
  }

  @Test("raises a fault with inject, and is not performed", arguments: Mechanism.immediate)
  func inject(mechanism: Mechanism) throws {
    let machine = try GuestMachine.armed(mechanism, [.notify, .inject])
    let before = machine.word(at: word)
    #expect(machine.store(5, at: linear, on: 1) == .fault(13))
    #expect(machine.word(at: word) == before)
    #expect(machine.registers(of: 1).rip == GuestLayout.kernelBody)
    #expect(machine.takeEvents().count == 1)
  }

  @Test(
    "stops the machine with suspend, powerOff and snapshotThenSuspend, after it was performed",
    arguments: [
      (AlertActions.suspend, MachineState.Run.suspended, 0), (.powerOff, .poweredOff, 0),
      (.snapshotThenSuspend, .suspended, 1), ([.suspend, .powerOff], .poweredOff, 0),
      ([.suspend, .snapshotThenSuspend, .powerOff], .poweredOff, 1),
    ] as [(AlertActions, MachineState.Run, Int)])
  func stop(actions: AlertActions, run: MachineState.Run, snapshots: Int) throws {
    for mechanism in Mechanism.immediate {
      let machine = try GuestMachine.armed(mechanism, actions)
      #expect(machine.store(5, at: linear, on: 1) == .stopped)
      #expect(machine.word(at: word) == 5)
      #expect(machine.hypervisor.machine.run == run)
      #expect(machine.hypervisor.machine.snapshotsRequested == snapshots)
      #expect(machine.noOperation(on: 0) == .stopped)
      #expect(machine.hypercall(.query, 0, on: 0) == .stopped)
      #expect(machine.takeEvents().map(\.actions) == [actions])
    }
  }

  @Test("is not performed when it is blocked and stops the machine")
  func blockAndSuspend() throws {
    let machine = try GuestMachine.armed(Mechanism(switching: .eptpByExit), [.blockWrite, .suspend])
    let before = machine.word(at: word)
    #expect(machine.store(5, at: linear, on: 1) == .stopped)
    #expect(machine.word(at: word) == before)
    #expect(machine.hypervisor.machine.run == .suspended)
  }

  @Test("cuts the network with networkIsolate, and the guest goes on", arguments: Mechanism.every)
  func isolate(mechanism: Mechanism) throws {
    let machine = try GuestMachine.armed(mechanism, .networkIsolate)
    #expect(machine.store(5, at: linear, on: 1) == .done)
    _ = machine.takeEvents()
    #expect(machine.hypervisor.machine.isIsolated)
    #expect(machine.hypervisor.machine.run == .running)
  }

  @Test("after a suspension goes on where the owner resumes the machine")
  func resume() throws {
    let machine = try GuestMachine.armed(Mechanism(switching: .eptpByExit), .suspend)
    #expect(machine.store(5, at: linear, on: 1) == .stopped)
    #expect(machine.hypervisor.resume())
    #expect(machine.load(linear, on: 1) == .value(5))
    let off = try GuestMachine.armed(Mechanism(switching: .eptpByExit), .powerOff)
    off.store(5, at: linear, on: 1)
    #expect(!off.hypervisor.resume())
  }

  @Test(
    "of 1 to 64 bytes is one event with the first bytes it replaced and left", arguments: [1, 2, 4, 8, 16, 32, 64])
  func sizes(size: Int) throws {
    for mechanism in Mechanism.immediate {
      let machine = try GuestMachine.armed(mechanism)
      let bytes = (0..<size).map { UInt8(0xa0 + $0 % 16) }
      let before = (0..<min(size, 16)).map { machine.loadByte(at: word, $0) }
      #expect(machine.store(bytes: bytes, at: linear, on: 1) == .done)
      #expect((0..<size).map { machine.loadByte(at: word, $0) } == bytes)
      let events = machine.takeEvents()
      try #require(events.count == 1)
      #expect(events[0].size == UInt8(size))
      #expect(events[0].oldValue.bytes(min(size, 16)) == before)
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

  @Test("that reads, modifies and writes is performed once", arguments: Mechanism.every)
  func readModifyWrite(mechanism: Mechanism) throws {
    let machine = try GuestMachine.armed(mechanism)
    let before = machine.word(at: word)
    #expect(machine.add(3, to: linear, on: 1) == .done)
    #expect(machine.word(at: word) == before + 3)
    #expect(machine.takeEvents().count == 1)
  }

  @Test(
    "by the page walk into a protected page table is noticed, performed, and the access goes on",
    arguments: Mechanism.immediate)
  func pageWalk(mechanism: Mechanism) throws {
    let machine = try GuestMachine(Configuration(mechanism))
    let cr3 = machine.registers(of: 1).cr3
    let entry = machine.entryAddress(for: GuestLayout.userBody, level: 1, cr3: cr3)
    machine.poke(machine.word(at: entry) & ~0x60, at: entry)
    GIDriver(machine).arm(pageTables: true)
    #expect(machine.load(GuestLayout.userBody, on: 1).isDone)
    #expect(machine.word(at: entry) & 0x60 == 0x20)
    let accessed = machine.takeEvents()
    try #require(accessed.count == 1)
    #expect(accessed[0].flags.contains(.pageWalk))
    #expect(accessed[0].address == entry)
    // The dirty flag is another write, and only the first store sets it.
    #expect(machine.store(1, at: GuestLayout.userBody, on: 1) == .done)
    #expect(machine.store(2, at: GuestLayout.userBody, on: 1) == .done)
    #expect(machine.word(at: entry) & 0x60 == 0x60)
    #expect(machine.takeEvents().count == 1)
  }

  @Test("by the page walk is not performed when it is blocked, and the access is not made")
  func pageWalkBlocked() throws {
    let machine = try GuestMachine(Configuration(switching: .eptpByExit))
    let entry = machine.entryAddress(for: GuestLayout.userBody, level: 1, cr3: machine.registers(of: 1).cr3)
    machine.poke(machine.word(at: entry) & ~0x60, at: entry)
    GIDriver(machine).arm(.blockWrite, pageTables: true)
    #expect(machine.load(GuestLayout.userBody, on: 1) == .blocked)
    #expect(machine.word(at: entry) & 0x60 == 0)
  }

  @Test("by a device model is judged like any other, and a device is never the driver", arguments: Mechanism.every)
  func device(mechanism: Mechanism) throws {
    let machine = try GuestMachine.armed(mechanism)
    #expect(machine.deviceStore([1, 2, 3, 4], at: word))
    #expect(machine.deviceStore([9], at: GuestLayout.kernelData.first.address))
    let events = machine.takeEvents().filter { $0.flags.contains(.device) }
    #expect(events.map(\.cause) == [.protectedPage])
    GIDriver(machine).window {
      #expect(!machine.deviceStore([1], at: GuestLayout.data.first.address))
    }
    #expect(machine.takeEvents().filter { $0.flags.contains(.device) }.map(\.cause) == [.giData])
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
}

extension GuestMachine {
  func loadByte(at address: GuestPhysicalAddress, _ offset: Int) -> UInt8 {
    let place = GuestPhysicalAddress(address.rawValue + UInt64(offset))
    return UInt8(truncatingIfNeeded: word(at: GuestPhysicalAddress(place.rawValue & ~7)) >> ((place.rawValue & 7) * 8))
  }
}

extension StoreValue {
  func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { index in
      let half = index < 8 ? low : high
      return UInt8(truncatingIfNeeded: half >> UInt64(index % 8 * 8))
    }
  }
}
