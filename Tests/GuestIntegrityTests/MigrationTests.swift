import Addresses
import EPT
import MonitorTree
import ScriptedGuest
import SeededRandom
import Testing

@testable import GuestIntegrity

@Suite("Snapshot, migration and reset")
struct MigrationTests {
  /// All that a guest, its owner or a consumer of alerts can tell two machines apart by.
  struct Observation: Equatable {
    var memory: [UInt64]
    var registers: [GuestRegisters]
    var modes: [Mode]
    var sets: [TableSet]
    var machine: MachineState
    var counters: [UInt64]
    var answers: [UInt64]
    var events: [AlertEvent]

    init(_ machine: GuestMachine) {
      let hypervisor = machine.hypervisor
      events = machine.takeEvents()
      memory = stride(from: UInt64(0), to: GuestLayout.ramBytes, by: 512).map { machine.word(at: .init($0)) }
      registers = hypervisor.processors.registers
      modes = (0..<hypervisor.vcpuCount).map { hypervisor.mode(of: $0) }
      sets = (0..<hypervisor.vcpuCount).map { hypervisor.activeSet(of: $0) }
      self.machine = hypervisor.machine
      counters = Counters.Number.allCases.map { hypervisor.counters[$0] }
      answers = (0..<GuestLayout.ramBytes >> 12).map { page in
        PageAnswer(hypervisor.monitor.status(of: GuestPageNumber(page))).rawValue
      }
    }
  }

  static func configuration(_ mechanism: Mechanism) -> Configuration {
    var configuration = Configuration(mechanism)
    configuration.allowsShutdown = true
    let page = GuestLayout.kernelData.first.address.rawValue + 8 << 12
    configuration.regionBytes[RegionID(6)] = [page + 0x200..<page + 0x208]
    return configuration
  }

  /// A machine in the middle of its work: windows open or not, pages claimed, traced by another client, moved, unmapped.
  static func busy(_ mechanism: Mechanism, seed: UInt64) throws -> GuestMachine {
    let machine = try GuestMachine(configuration(mechanism))
    GIDriver(machine).arm()
    let page = GuestPageNumber(GuestLayout.kernelData.first.rawValue + 8)
    GIDriver(machine).window { GIDriver(machine).protect(PageRange(page: page), .log, region: 6) }
    let client = try #require(machine.hypervisor.addTraceClient())
    try machine.hypervisor.trace(GuestLayout.user, for: client, on: 0)
    try machine.hypervisor.trace(PageRange(page: GuestLayout.malware.last), for: client, on: 0)
    try machine.hypervisor.unmap(GuestPageNumber(0x3200), on: 0)
    try machine.hypervisor.unmap(GuestPageNumber(0x3201), on: 1)
    StaleTranslationTests.run(machine, seed: seed, steps: 150, vcpus: 2, sparesTree: true, closing: seed % 3 == 0)
    return machine
  }

  /// Exits that a store beside the protected bytes of a page causes, and one onto them.
  static func exitsBesideProtectedBytes(_ machine: GuestMachine) -> [Int] {
    let page = GuestLayout.kernelData.first.address.rawValue + 8 << 12
    return ([0x200, 0x280] as [UInt64]).map { offset in
      let before = machine.hypervisor.processors.exits[.eptViolation, default: 0]
      machine.store(1, at: GuestLayout.direct(GuestPhysicalAddress(page + offset)), on: 1)
      return machine.hypervisor.processors.exits[.eptViolation, default: 0] - before
    }
  }

  @Test(
    "carry a machine to another host, where it goes on exactly as it would have here", arguments: Mechanism.every,
    [1, 2, 3] as [UInt64])
  func goesOn(mechanism: Mechanism, seed: UInt64) throws {
    let here = try Self.busy(mechanism, seed: seed)
    let image = here.image()
    _ = here.takeEvents()
    let there = try GuestMachine(image, Self.configuration(mechanism))
    try #require(there.hypervisor.audit() == [], "seed \(seed)")
    try #require(Observation(there) == Observation(here), "seed \(seed): not what was sent")
    for machine in [here, there] {
      StaleTranslationTests.run(machine, seed: seed + 100, steps: 300, vcpus: 2, sparesTree: true)
    }
    let (expected, found) = (Observation(here), Observation(there))
    #expect(!expected.events.isEmpty)
    #expect(Self.exitsBesideProtectedBytes(there) == Self.exitsBesideProtectedBytes(here), "seed \(seed)")
    #expect(found.events == expected.events, "seed \(seed)")
    #expect(found == expected, "seed \(seed)")
    #expect(there.staleTranslations.isEmpty)
    #expect(there.hypervisor.audit() == [])
  }

  @Test(
    "arrive twice the same: a machine that was restored saves the bytes it was restored from",
    arguments: Mechanism.every)
  func bytesAgain(mechanism: Mechanism) throws {
    let image = try Self.busy(mechanism, seed: 7).image()
    let there = try GuestMachine(image, Self.configuration(mechanism))
    #expect(there.image().state == image.state)
    #expect(try Snapshot(bytes: image.state) == there.hypervisor.snapshot(time: there.time))
  }

  @Test("hold an interrupt that waits while they are restored in integrity mode until it is left")
  func heldInterrupt() throws {
    for mechanism in IntegrityModeTests.byExit {
      let here = try GuestMachine.armed(mechanism)
      GIDriver(here).enter()
      here.setRegisters(of: 0) { $0.interruptsEnabled = true }
      here.interrupt(44, on: 0)
      try #require(here.hypervisor.processors.pending[0] == [44])
      let there = try GuestMachine(here.image(), Configuration(mechanism))
      let driver = GIDriver(there)
      let data = GuestLayout.driverData(page: 0, offset: 0x100)
      #expect(there.hypervisor.mode(of: 0) == .integrity)
      #expect(driver.store(1, at: data) == .done)
      #expect(there.hypervisor.mode(of: 0) == .integrity, "\(mechanism): no foreign code ran")
      #expect(there.hypervisor.processors.pending[0] == [44], "\(mechanism)")
      driver.exit()
      #expect(there.hypervisor.processors.pending[0] == [], "\(mechanism)")
      #expect(there.takeEvents() == [])
    }
  }

  @Test("lose no write that a log had noted and nobody had looked at")
  func logIsDrained() throws {
    let machine = try GuestMachine.armed(
      Mechanism(switching: .filterByMode, noticing: .modificationLog, completion: .alreadyDone))
    machine.store(5, at: GuestLayout.direct(GuestLayout.text.first.address), on: 1)
    let before = machine.hypervisor.counters[.protectedWrites]
    _ = machine.image()
    #expect(machine.hypervisor.counters[.protectedWrites] == before + 1)
  }

  @Test("keep what an alert did to the machine: suspended it arrives, and is resumed there")
  func suspended() throws {
    let machine = try GuestMachine.armed(Mechanism(switching: .eptpByExit), [.snapshotThenSuspend, .networkIsolate])
    machine.store(5, at: GuestLayout.direct(GuestLayout.text.first.address), on: 1)
    #expect(machine.hypervisor.machine.snapshotsRequested == 1)
    let there = try GuestMachine(machine.image(), Configuration(switching: .eptpByExit))
    #expect(there.noOperation(on: 0) == .stopped)
    #expect(there.word(at: GuestLayout.text.first.address) == 5)
    #expect(there.hypervisor.machine.isIsolated)
    #expect(there.hypervisor.resume())
    #expect(there.noOperation(on: 0) == .done)
  }

  @Test("refuse what is not of the machine: memory of another moment, another mechanism, traces left out, a used host")
  func refusals() throws {
    let mechanism = Mechanism(switching: .eptpByExit)
    let image = try GuestMachine.armed(mechanism).image()
    func error(_ change: (inout MachineImage) -> Void, _ other: Mechanism? = nil) -> MigrationError? {
      var image = image
      change(&image)
      do throws(MigrationError) {
        _ = try GuestMachine(image, Configuration(other ?? mechanism))
        return nil
      } catch { return error }
    }
    #expect(error({ _ in }) == nil)
    guard case .restore(.tree)? = error({ $0.memory = [:] }) else {
      Issue.record("a tree in empty memory")
      return
    }
    #expect(error({ _ in }, Mechanism(switching: .filterByMode)) == .restore(.otherMechanism))
    #expect(error({ $0.registers.removeLast() }) == .restore(.otherMachine))
    var snapshot = try Snapshot(bytes: image.state)
    snapshot.traces.removeAll { $0.range.contains(GuestLayout.text.first) }
    let state = snapshot.bytes
    #expect(error({ $0.state = state }) == .restore(.untraced(GuestLayout.text.first)))
    let used = try GuestMachine.armed(mechanism)
    #expect(throws: RestoreError.alreadyUsed) { try used.hypervisor.restore(try Snapshot(bytes: image.state)) }
    #expect(used.takeEvents() == [])
    used.store(1, at: GuestLayout.direct(GuestLayout.text.first.address), on: 1)
    #expect(used.takeEvents().count == 1)
  }

  @Test("take any bytes without harm: each single bit, each length, any words", arguments: [1, 2] as [UInt64])
  func hostileBytes(seed: UInt64) throws {
    let bytes = try Self.busy(Mechanism(switching: .eptpByExit), seed: seed).image().state
    #expect(throws: Never.self) { try Snapshot(bytes: bytes) }
    for bit in 0..<bytes.count * 8 {
      var damaged = bytes
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: SnapshotError.self) { try Snapshot(bytes: damaged) }
    }
    for length in 0..<bytes.count {
      #expect(throws: SnapshotError.self) { try Snapshot(bytes: Array(bytes.prefix(length))) }
    }
    #expect(throws: SnapshotError.self) { try Snapshot(bytes: bytes + [0]) }
    // Whoever writes the bytes can write the digest too: then each field is on its own.
    var random = SplitMix64(seed: seed)
    var accepted = 0
    for _ in 0..<3000 {
      var forged = bytes
      for _ in 0...random.below(3) {
        forged[20 + Int(random.below(UInt64(forged.count - 28)))] = UInt8(truncatingIfNeeded: random.next())
      }
      let digest = digest(of: forged[..<(forged.count - 8)])
      for index in 0..<8 { forged[forged.count - 8 + index] = UInt8(truncatingIfNeeded: digest >> UInt64(index * 8)) }
      guard let snapshot = try? Snapshot(bytes: forged) else { continue }
      accepted += 1
      #expect(snapshot.bytes == forged, "seed \(seed): read otherwise than written")
      guard accepted % 50 == 0 else { continue }
      let there = try GuestMachine(Self.configuration(Mechanism(switching: .eptpByExit)))
      if (try? there.hypervisor.restore(snapshot)) != nil { #expect(there.hypervisor.audit() == []) }
    }
    #expect(accepted > 100)
  }

  @Test(
    "end where their fields do: a field cut short, or a byte behind them, with length and digest put right, is refused")
  func sealedLengths() throws {
    let bytes = try Self.busy(Mechanism(switching: .eptpByExit), seed: 3).image().state
    let fields = bytes[20..<bytes.count - 8]
    func sealed(_ fields: some Sequence<UInt8>) -> [UInt8] {
      Snapshot.sealed { writer in for byte in fields { writer.put(byte) } }
    }
    #expect(sealed(fields) == bytes)
    for count in 0..<fields.count {
      #expect(throws: SnapshotError.self, "\(count) bytes of fields") {
        try Snapshot(bytes: sealed(fields.prefix(count)))
      }
    }
    #expect(throws: SnapshotError.self) { try Snapshot(bytes: sealed(Array(fields) + [0])) }
  }

  @Test("have a tree where a driver has registered, and none before and after")
  func baseOfNobody() throws {
    let mechanism = Mechanism(switching: .eptpByExit)
    let image = try GuestMachine(Self.configuration(mechanism)).image()
    var snapshot = try Snapshot(bytes: image.state)
    #expect(snapshot.registration == nil && snapshot.base.rawValue == 0)
    #expect(try GuestMachine(image, Self.configuration(mechanism)).image().state == image.state)
    snapshot.base = NodeReference(rawValue: 1)
    #expect(throws: SnapshotError.self) { try Snapshot(bytes: snapshot.bytes) }
    let machine = try Self.busy(mechanism, seed: 3)
    var registered = try Snapshot(bytes: machine.image().state)
    #expect(registered.base.rawValue != 0)
    registered.isShutDown = true
    #expect(throws: SnapshotError.self) { try Snapshot(bytes: registered.bytes) }
  }

  @Test("tell in one sentence what is wrong with the bytes")
  func sentences() throws {
    let bytes = try GuestMachine.armed(Mechanism(switching: .eptpByExit)).image().state
    func sentence(_ bytes: [UInt8]) -> String {
      do throws(SnapshotError) {
        _ = try Snapshot(bytes: bytes)
        return ""
      } catch { return error.description }
    }
    #expect(sentence([]) == "byte 0: no snapshot of a hypervisor; give the bytes that one was saved as")
    var other = bytes
    other[8] = 9
    #expect(
      sentence(other) == "byte 8: version 9, expected 2; save the snapshot with the release that restores it")
    #expect(
      sentence(Array(bytes.dropLast()))
        == "\(bytes.count - 1) bytes, expected \(bytes.count); transfer the snapshot again")
    other = bytes
    other[40] ^= 1
    #expect(sentence(other) == "the digest of the bytes is not the one at their end; transfer the snapshot again")
  }
}
