import SeededRandom
import Addresses
import EPT
import MonitorTree
import Testing

@testable import GuestIntegrity

@Suite("Two table sets: requirements R1 to R14")
struct SwitchingRequirements {
  static let sound: [any Switching] = [.eptpByExit, .eptpByVMFUNC, .filterByMode]
  let dataWord = GuestPhysicalAddress(Fixture.data.first.address.rawValue + 0x40)
  let textWord = GuestPhysicalAddress(Fixture.text.first.address.rawValue + 0x40)

  @Test("R1 there are two roots, and each vCPU runs on one of them", .requirement(1))
  func twoRoots() throws {
    let fixture = try Fixture.armed()
    #expect(fixture.hypervisor.eptp(of: .normal) != fixture.hypervisor.eptp(of: .integrity))
    for set in TableSet.allCases { #expect(fixture.hypervisor.eptp(of: set).isValid(on: .all)) }
  }

  @Test("R2 the normal set is active in normal mode, also after a refused entry", .requirement(2))
  func normalSetInNormalMode() throws {
    let fixture = try Fixture.armed()
    #expect(fixture.hypervisor.activeSet(of: 0) == .normal)
    #expect(fixture.enter { $0.rflags = 0x202 }.error == .interruptsEnabled)
    #expect(fixture.hypervisor.activeSet(of: 0) == .normal)
    #expect(fixture.hypervisor.mode(of: 0) == .normal)
    #expect(!fixture.hypervisor.processors.acts.suffix(1).contains(.load(.integrity, 0, .vmcsWrite)))
  }

  @Test(
    "R3 the integrity set is active between entry and exit", .requirement(3),
    arguments: [(.eptpByExit, .vmcsWrite), (.eptpByVMFUNC, .vmfunc)] as [(any Switching, SwitchMeans)])
  func integritySetInIntegrityMode(switching: any Switching, means: SwitchMeans) throws {
    let fixture = try Fixture.armed(switching)
    fixture.hypervisor.processors.acts = []
    fixture.inIntegrityMode {
      #expect(fixture.hypervisor.activeSet(of: 0) == .integrity)
      #expect(fixture.hypervisor.mode(of: 0) == .integrity)
    }
    #expect(fixture.hypervisor.activeSet(of: 0) == .normal)
    let loads = fixture.hypervisor.processors.acts.filter { if case .load = $0 { true } else { false } }
    #expect(loads == [.load(.integrity, 0, means), .load(.normal, 0, means)])
  }

  @Test(
    "R4 the driver writes its data in integrity mode: the value is stored, nobody is notified", .requirement(4),
    arguments: Mechanism.switchings)
  func driverWritesItsData(switching: any Switching) throws {
    let fixture = try Fixture.armed(switching)
    fixture.inIntegrityMode {
      let verdict = fixture.write(dataWord, value: 42)
      // Without a set of its own the store faults, and is filtered by mode.
      #expect(switching == .filterByMode ? verdict?.finding == .ownWrite(.giData) : verdict == nil)
    }
    #expect(fixture.word(at: dataWord) == 42)
    #expect(fixture.events.isEmpty)
  }

  @Test(
    "R5 the driver defines what is protected: its ranges, its code, its data and the tree raise alerts, nothing else",
    .requirement(5), arguments: Mechanism.switchings)
  func driverDefinesProtection(switching: any Switching) throws {
    let fixture = try Fixture.armed(switching)
    let extra = Fixture.pages(0x3000, 3)
    fixture.inIntegrityMode { #expect(fixture.protect(extra, region: 7) == .success) }
    let monitored = [Fixture.code, Fixture.data, Fixture.nodes, Fixture.text, extra]
    for page in 0..<Fixture.ramPages {
      let expected = monitored.contains { $0.contains(GuestPageNumber(page)) }
      #expect((fixture.write(page: GuestPageNumber(page))?.isAlert == true) == expected, "page \(page)")
    }
  }

  @Test(
    "R6 any other writer of GI data is notified, and its store is not performed", .requirement(6),
    arguments: Mechanism.switchings)
  func otherWriters(switching: any Switching) throws {
    let fixture = try Fixture.armed(switching)
    let before = fixture.word(at: dataWord)
    let verdict = try #require(fixture.write(dataWord, value: before ^ 1))
    #expect(verdict.finding == .alert(.giData, region: .tree, actions: [.count, .log, .notify, .blockWrite]))
    #expect(fixture.word(at: dataWord) == before)
    #expect(fixture.events.map(\.cause) == [.giData])
  }

  @Test(
    "R7 a store of the driver, in integrity mode, to a protected page that is not its data is notified",
    .requirement(7),
    arguments: Mechanism.switchings)
  func driverStrays(switching: any Switching) throws {
    let fixture = try Fixture.armed(switching)
    fixture.inIntegrityMode {
      #expect(fixture.write(textWord)?.finding == .alert(.protected, region: RegionID(1), actions: [.count, .log]))
      #expect(fixture.write(page: Fixture.code.first)?.isAlert == true)
    }
    #expect(fixture.events.map(\.mode) == [.integrity, .integrity])
  }

  @Test(
    "R8 every page leads to the same frame in both sets, and only the driver's pages differ in rights", .requirement(8),
    arguments: Mechanism.switchings)
  func samePagesInBothSets(switching: any Switching) throws {
    let fixture = try Fixture.armed(switching)
    #expect(fixture.hypervisor.audit() == [])
    #expect(PageView.differences(in: fixture) == [])
  }

  @Test(
    "R9 the same store before, during and after integrity mode: one notification, none, one", .requirement(9),
    arguments: Mechanism.switchings)
  func beforeDuringAfter(switching: any Switching) throws {
    let fixture = try Fixture.armed(switching)
    fixture.write(dataWord)
    #expect(fixture.events.count == 1)
    fixture.inIntegrityMode { fixture.write(dataWord) }
    #expect(fixture.events.count == 0)
    fixture.write(dataWord)
    #expect(fixture.events.count == 1)
  }

  @Test("R10 GI code is monitored in both modes", .requirement(10), arguments: Mechanism.switchings)
  func codeInBothModes(switching: any Switching) throws {
    let fixture = try Fixture.armed(switching)
    fixture.write(page: Fixture.code.first)
    fixture.inIntegrityMode { fixture.write(page: Fixture.code.first) }
    #expect(fixture.events.map(\.cause) == [.giCode, .giCode])
  }

  @Test(
    "R11 calls that change what is protected are refused in normal mode, and change nothing", .requirement(11),
    arguments: Mechanism.switchings, HypercallNumber.allCases.filter(\.isMutating))
  func mutatingCallsInNormalMode(switching: any Switching, number: HypercallNumber) throws {
    let fixture = try Fixture.armed(switching) { $0.allowsShutdown = true }
    let before = fixture.hypervisor.snapshot()
    #expect(fixture.call(number, 0x3000, 1, 1, 5).error == .wrongMode)
    #expect(fixture.events.map(\.cause) == [.hypercall])
    var after = fixture.hypervisor.snapshot()
    after.counters = before.counters
    #expect(after == before)
  }

  @Test(
    "R12 while one vCPU is in integrity mode, a store of another to GI data is notified", .requirement(12),
    arguments: sound)
  func modeIsPerVCPU(switching: any Switching) throws {
    let fixture = try Fixture.armed(switching, vcpus: 2)
    fixture.inIntegrityMode(on: 0) {
      #expect(fixture.write(dataWord, on: 1)?.finding == .alert(.giData, region: .tree, actions: .init(rawValue: 15)))
      #expect(fixture.write(dataWord, on: 0)?.isAlert != true)
    }
    #expect(fixture.events.map(\.vcpu) == [1])
  }

  @Test("R12 is what toggling write bits in one table set does not keep", .requirement(12))
  func togglingIsUnsound() throws {
    let fixture = try Fixture.armed(.toggleWriteBits, vcpus: 2)
    fixture.inIntegrityMode(on: 0) { #expect(fixture.write(dataWord, value: 7, on: 1) == nil) }
    #expect(fixture.word(at: dataWord) == 7)
    #expect(fixture.events.isEmpty)
  }

  @Test("R13 a store of the driver in normal mode to its data is notified", .requirement(13))
  func driverInNormalMode() throws {
    let fixture = try Fixture.armed()
    let store = Store(vcpu: 0, address: dataWord, size: 8, rip: GuestLinearAddress(Fixture.linearBase + 0x300))
    guard
      case .violation(let violation) = fixture.walk(dataWord, .dataWrite, in: .normal)
    else {
      Issue.record("GI data is writable in the normal set")
      return
    }
    #expect(fixture.hypervisor.handle(store, violation: violation).isAlert)
  }

  @Test(
    "R14 R8 holds over all pages after any sequence of unmapping, moving, protecting, releasing, donating and switching",
    .requirement(14), arguments: Mechanism.switchings, [1, 2, 3, 4] as [UInt64])
  func afterStructureChanges(switching: any Switching, seed: UInt64) throws {
    let fixture = try Fixture.armed(switching, vcpus: 3)
    let hypervisor = fixture.hypervisor
    var random = SplitMix64(seed: seed)
    var executed: [Int: Int] = [:]
    var unmapped: [GuestPageNumber] = []
    for step in 0..<300 {
      let page = GuestPageNumber(random.below(Fixture.ramPages))
      let vcpu = Int(random.below(3))
      let range = Fixture.pages(page.rawValue, min(1 + random.below(900), Fixture.ramPages - page.rawValue))
      let operation = Int(random.below(8))
      if (3...6).contains(operation), hypervisor.mode(of: vcpu) == .normal { fixture.enter(on: vcpu) }
      let isDone: Bool
      switch operation {
      case 0: isDone = (try? hypervisor.move(page, on: vcpu)) != nil
      case 1:
        isDone = (try? hypervisor.unmap(page, on: vcpu)) != nil
        if isDone { unmapped.append(page) }
      case 2: isDone = (try? hypervisor.map(unmapped.popLast() ?? page, on: vcpu)) != nil
      case 3, 4: isDone = fixture.protect(range, region: 1 + random.below(3), on: vcpu) == .success
      case 5: isDone = fixture.unprotect(range, region: random.below(4), on: vcpu) == .success
      case 6: isDone = fixture.donate(Fixture.pages(page.rawValue, 1 + random.below(3)), on: vcpu) == .success
      default:
        isDone = (hypervisor.mode(of: vcpu) == .normal ? fixture.enter(on: vcpu) : fixture.exit(on: vcpu)) == .success
      }
      if isDone { executed[operation, default: 0] += 1 }
      guard step % 60 == 59 else { continue }
      try #require(hypervisor.audit() == [], "\(switching), seed \(seed), step \(step)")
      try #require(PageView.differences(in: fixture) == [], "\(switching), seed \(seed), step \(step)")
    }
    #expect(executed.count == 8, "\(switching), seed \(seed): only \(executed)")
  }
}
