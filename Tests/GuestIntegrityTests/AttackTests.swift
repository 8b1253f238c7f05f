import GuestIntegrity
import ScriptedGuest
import Testing

@Suite("Attacks A1 to A21")
struct AttackTests {
  static func outcomes(_ id: String) throws -> [Mechanism: AttackOutcome] {
    let attack = try #require(Attack.all.first { $0.id == id })
    var outcomes: [Mechanism: AttackOutcome] = [:]
    for mechanism in Mechanism.every { outcomes[mechanism] = try attack.run(under: mechanism) }
    return outcomes
  }

  static let toggle = Mechanism(switching: .toggleWriteBits)
  static let eptpExit = Mechanism(switching: .eptpByExit)
  static let vmfunc = Mechanism(switching: .eptpByVMFUNC)
  static let filter = Mechanism(switching: .filterByMode)
  static let exception = Mechanism(
    switching: .eptpByVMFUNC, noticing: .virtualizationException, completion: .viewSwitch)
  static let subPage = Mechanism(switching: .eptpByExit, noticing: .subPagePermissions)
  static let singleStep = Mechanism(switching: .eptpByExit, completion: .singleStep)
  static let event = Mechanism(switching: .eptpByExit, noticing: .outsideAnswer)

  @Test("are all there, each once")
  func complete() {
    let numbers = Set(Attack.all.compactMap { Int($0.id.dropFirst().prefix { $0.isNumber }) })
    #expect(numbers == Set(1...21))
    #expect(Set(Attack.all.map(\.id)).count == Attack.all.count)
  }

  @Test(
    "never go unnoticed where the hypervisor switches or filters, but for remapping by page tables nobody protects",
    arguments: [eptpExit, filter, subPage, singleStep, event])
  func soundStrategies(mechanism: Mechanism) throws {
    for attack in Attack.all where attack.id != "A14" {
      let outcome = try attack.run(under: mechanism)
      #expect([.blocked, .detected].contains(outcome.kind), "\(attack.id): \(outcome)")
    }
  }

  @Test("A14 is missed by every strategy while page tables are not protected, and by none once they are")
  func remapping() throws {
    for (_, outcome) in try Self.outcomes("A14") { #expect(outcome.kind == .missed) }
    for (mechanism, outcome) in try Self.outcomes("A14b") {
      #expect(outcome.kind == (mechanism.isLogged ? .late : .detected))
    }
  }

  @Test("A11 succeeds unnoticed where write bits are toggled for every vCPU, and where a log has the page already")
  func otherVCPU() throws {
    for (mechanism, outcome) in try Self.outcomes("A11") {
      #expect(outcome.kind == (mechanism == Self.toggle || mechanism.isLogged ? .missed : .blocked), "\(mechanism)")
    }
  }

  @Test("A18 is blocked by stripping execute rights from the integrity set, and missed without")
  func userModeSwitch() throws {
    #expect(try Self.outcomes("A18")[Self.vmfunc]?.kind == .blocked)
    for (mechanism, outcome) in try Self.outcomes("A18b") where !mechanism.isLogged {
      #expect(outcome.kind == (mechanism.switching == .eptpByVMFUNC ? .missed : .blocked), "\(mechanism)")
    }
  }

  @Test("A9 is missed where the driver's gate is not examined: GI code can be reached behind it")
  func behindTheGate() throws {
    for (mechanism, outcome) in try Self.outcomes("A9") {
      #expect(outcome.kind == (mechanism.switching == .eptpByVMFUNC ? .missed : .blocked), "\(mechanism)")
    }
  }

  @Test(
    "A9b is blocked by entering by hypercall and leaving by VMFUNC, but for the set that a handler completes stores in")
  func checkedEntry() throws {
    for (mechanism, outcome) in try Self.outcomes("A9b") {
      #expect(outcome.kind == (mechanism == Self.exception ? .missed : .blocked), "\(mechanism)")
    }
  }

  @Test(
    "A7b: foreign code in integrity mode is stopped before it stores, or at its first hypercall where nothing exits")
  func remappedExit() throws {
    for (mechanism, outcome) in try Self.outcomes("A7b") {
      #expect(outcome.kind == (mechanism == Self.toggle || mechanism.isLogged ? .late : .blocked), "\(mechanism)")
    }
  }

  @Test("that write are found late, or not at all, by a modification log")
  func late() throws {
    for id in ["A3", "A4", "A5", "A16", "A18", "A18c", "A19", "A20", "A21"] {
      for (mechanism, outcome) in try Self.outcomes(id) where mechanism.isLogged {
        #expect(outcome.kind == .late, "\(id), \(mechanism)")
      }
    }
  }

  @Test("come out as expected where a tool outside answers, and where pages are promoted")
  func expectedRows() throws {
    // Written down before they were run. Who answers changes nothing that is refused; an attack stores too seldom for its page
    // to be promoted.
    let rows: [(Mechanism, like: Mechanism)] = [
      (Self.event, Self.eptpExit),
      (Mechanism(switching: .eptpByExit, noticing: .outsideAnswer, completion: .singleStep), Self.singleStep),
      (
        Mechanism(switching: .filterByMode, noticing: .modificationLog(promoting: .usual), completion: .alreadyDone),
        Mechanism(switching: .filterByMode, noticing: .modificationLog, completion: .alreadyDone)
      ),
    ]
    for (mechanism, like) in rows {
      for attack in Attack.all {
        #expect(try attack.run(under: mechanism).kind == attack.run(under: like).kind, "\(attack.id), \(mechanism)")
      }
    }
  }

  @Test("come out the same each time", arguments: Mechanism.every)
  func repeatable(mechanism: Mechanism) throws {
    for attack in Attack.all { #expect(try attack.run(under: mechanism) == attack.run(under: mechanism)) }
  }
}
