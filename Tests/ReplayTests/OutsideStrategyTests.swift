import EPTTables
import Foundation
import GuestIntegrity
import Recordings
import Replay
import ScriptedGuest
import Testing

// Choices as another package would bring them: nothing here sees more than what is public.

/// Every refused store is shown to a consumer in another domain, whose answer comes by a hypercall.
private struct AnsweredOutside: Noticing {
  var name: String { "answered-outside" }
  var meaning: String { "the EPT refuses the write; a consumer in another domain is asked" }
  var contract: NoticingContract { .everyStore }
  func bits(of page: TracedPage) -> LeafBits { withoutWrite(page) }
  func deliver(by host: inout some ActingHost) { host.spend(.hypercallExit) }
}

/// The driver's own pages are refused, everything else is logged.
private struct GuardedLog: Noticing {
  var name: String { "guarded-log" }
  var meaning: String { "the EPT refuses writes to the driver's own pages; writes to others are logged" }
  var contract: NoticingContract { .pagesSinceDrain }
  var features: NoticingFeatures { .modificationLog }
  var unwatched: LeafBits { LeafBits.unwatched.union(.dirty) }
  var needsSmallLeaves: Bool { true }
  func bits(of page: TracedPage) -> LeafBits {
    page.watching.contains(.ownPages)
      ? withoutWrite(page) : page.watching.isEmpty ? unwatched : [.write, .execute, .suppressVE]
  }
}

/// The vCPU executes a copy of the instruction with a hypercall behind it, in an open view.
private struct Trampoline: Completion {
  var name: String { "trampoline" }
  var meaning: String { "the vCPU executes a copy of the instruction, with a hypercall behind it, in an open view" }
  var openView: OpenViewUser? { .hypervisor }
  func complete(by host: inout some CompletionHost) {
    host.openView(by: .vmcsWrite)
    host.store()
    host.exit(.hypercall)
    host.closeView(by: .vmcsWrite)
  }
}

@Suite("A strategy from outside")
struct OutsideStrategyTests {
  private static let asking = Strategy(
    name: "asking", summary: "two table sets; a consumer elsewhere is asked; completed by a trampoline",
    mechanism: Mechanism(switching: .eptpByExit, noticing: AnsweredOutside(), completion: Trampoline()),
    sound: Soundness(value: true, reason: "as eptp-exit"))
  private static let guarded = Strategy(
    name: "guarded", summary: "two table sets; own pages refused, others logged",
    mechanism: Mechanism(switching: .eptpByExit, noticing: GuardedLog(), completion: Trampoline()),
    sound: Soundness(value: false, reason: "protected pages are noticed late (attack A14b)"))

  private func replayed(seed: UInt64, dimensions: Dimensions) throws -> RunResult {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("gi-outside-\(seed)-\(getpid()).trace")
      .path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try RandomDriverTrace.write(
      to: path, seed: seed, paging: dimensions == .one ? nil : RandomPaging(.known, isDefective: false))
    let profile = try #require(try ProfileLibrary.profile(named: "icelake-sp"))
    return try replay(
      ReplayRequest(
        tracePath: path, strategies: [.eptpExit, Self.asking, .singleStep, Self.guarded, .pml], profile: profile,
        dimensions: dimensions, countersOnly: true))
  }

  @Test("is replayed, cross-checked and priced beside the built-in ones", arguments: 700..<706 as Range<UInt64>)
  func replays(seed: UInt64) throws {
    let result = try replayed(seed: seed, dimensions: seed % 2 == 0 ? .one : .two)
    let (exit, asking, step) = (result.strategies[0], result.strategies[1], result.strategies[2])
    let (guarded, log) = (result.strategies[3], result.strategies[4])
    #expect(result.crosscheck.agree, "seed \(seed): \(result.crosscheck.differences)")
    #expect(asking.notifications.count == exit.notifications.count, "seed \(seed)")
    #expect(asking.notifications.setDigest == exit.notifications.setDigest, "seed \(seed)")
    func count(_ strategy: StrategyResult, _ event: Event) -> UInt64 { strategy.counts[event.name, default: 0] }
    let refused = count(exit, .violationExits)
    #expect(count(asking, .violationExits) == refused, "seed \(seed)")
    // One hypercall to ask for each refused store, one to come back for each step of singlestep's. Foreign fetches exit and ask
    // nobody; in two dimensions who completes a store asks about the walker's updates, too, without an exit.
    let asked = count(asking, .hypercallExits) - count(exit, .hypercallExits)
    if seed % 2 == 0 { #expect(asked <= refused + count(step, .singleSteps), "seed \(seed)") }
    #expect(count(asking, .eptpWrites) == count(step, .eptpWrites), "seed \(seed)")
    #expect(asked >= 2 * count(step, .singleSteps), "seed \(seed)")
    #expect(asking.overheadCycles.value > step.overheadCycles.value, "seed \(seed)")
    for strategy in result.strategies {
      let parts = try #require(strategy.overheadParts)
      let sum = parts.notifications.value + parts.refusedSilently.value + parts.other.value
      #expect(abs(sum - strategy.overheadCycles.value) <= 1e-9 * abs(sum), "seed \(seed), \(strategy.name)")
    }
    // Writes to the driver's own pages are refused one by one, those to others are logged.
    #expect(count(guarded, .pmlEntries) > 0 && count(guarded, .violationExits) > 0, "seed \(seed)")
    #expect(count(log, .violationExits) <= count(guarded, .violationExits), "seed \(seed)")
    // A store that ends on such a page, and begins on one that is logged, counts among both.
    let own = { (found: StrategyResult) in found.notifications.byKind.tree + found.notifications.byKind.giData }
    #expect(own(exit) > 0 && own(guarded) >= own(exit), "seed \(seed)")
  }

  @Test("is attacked as the built-in ones are: what it shares with them comes to the same", arguments: Attack.all)
  func attacked(attack: Attack) throws {
    let asking = try attack.run(under: Self.asking.mechanism)
    #expect(asking.kind == (try attack.run(under: Strategy.eptpExit.mechanism).kind), "\(attack.id)")
    let guarded = try attack.run(under: Self.guarded.mechanism)
    let log = try attack.run(under: Strategy.pml.mechanism)
    // The driver's data and its tree hold, where a log alone tells too late; what is protected is told late all the same.
    switch attack.id {
    case "A4", "A5": #expect(guarded.kind == .blocked && log.kind != .blocked, "\(attack.id)")
    case "A14b": #expect(guarded.kind == .late, "\(attack.id)")
    default: break
    }
  }

  @Test("says what the processor must have, and what its choices are called")
  func described() throws {
    #expect(Self.asking.features == [])
    #expect(Self.guarded.features == [.pml])
    #expect(Self.asking.contract == .everyStore)
    #expect(Self.asking.mechanism != Strategy.eptpExit.mechanism)
    #expect(Strategy.eptpExit.mechanism == Mechanism(switching: .eptpByExit))
  }
}
