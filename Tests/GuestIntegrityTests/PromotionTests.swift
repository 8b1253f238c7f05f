import Addresses
import MonitorTree
import ScriptedGuest
import SeededRandom
import Testing

@testable import GuestIntegrity

@Suite("Pages that a log promotes")
struct PromotionTests {
  private static let page = GuestLayout.text.first

  private static func machine(_ promotion: Promotion, critical: Set<RegionID> = []) throws -> GuestMachine {
    let mechanism = Mechanism(
      switching: .filterByMode, noticing: .modificationLog(promoting: promotion), completion: .alreadyDone)
    return try GuestMachine.armed(mechanism) { $0.criticalRegions = critical }
  }

  /// A store by the guest, and what is told of it at once; the value has arrived in any case.
  private static func eventsAtOnce(of value: UInt64, in machine: GuestMachine) throws -> [AlertEvent] {
    try #require(machine.store(value, at: GuestLayout.direct(page.address), on: 1) == .done)
    #expect(machine.word(at: page.address) == value)
    return machine.hypervisor.alerts(of: 1).drain()
  }

  private static func drain(_ machine: GuestMachine, times: Int = 1) -> [AlertEvent] {
    for _ in 0..<times { machine.hypervisor.drainModificationLog(of: 1, time: 0) }
    return machine.hypervisor.alerts(of: 1).drain()
  }

  @Test("have their stores refused after so many drains with them, and logged again after a window without a store")
  func thereAndBack() throws {
    let machine = try Self.machine(try #require(Promotion(hits: 2, window: 3)))
    for value in [1, 2] as [UInt64] {
      #expect(try Self.eventsAtOnce(of: value, in: machine) == [])
      #expect(Self.drain(machine).map(\.flags) == [.late])
    }
    for value in [3, 4] as [UInt64] {
      let events = try Self.eventsAtOnce(of: value, in: machine)
      #expect(events.count == 1 && events.first?.newValue == StoredValue(low: value))
      #expect(events.first?.region == RegionID(1) && events.first?.flags.contains(.late) == false)
      // Two of three drains without a log entry of the page do not make it quiet.
      #expect(Self.drain(machine, times: 2) == [])
    }
    #expect(Self.drain(machine, times: 2) == [])
    #expect(try Self.eventsAtOnce(of: 5, in: machine) == [])
    #expect(Self.drain(machine).map(\.flags) == [.late])
    #expect(machine.hypervisor.audit() == [])
  }

  @Test("are those of a critical region from the start, and stay so however quiet they are, until nobody claims them")
  func critical() throws {
    let machine = try Self.machine(.usual, critical: [RegionID(1)])
    #expect(Self.drain(machine, times: 200) == [])
    #expect(try Self.eventsAtOnce(of: 1, in: machine).map(\.newValue) == [StoredValue(low: 1)])
    let driver = GIDriver(machine)
    driver.enter()
    driver.unprotect(GuestLayout.text)
    driver.exit()
    #expect(try Self.eventsAtOnce(of: 2, in: machine) == [])
    #expect(Self.drain(machine) == [])
    #expect(machine.hypervisor.audit() == [])
  }

  @Test("are no other client's business: whoever traces is told of stores only to what it traces itself")
  func clients() throws {
    let machine = try Self.machine(.usual, critical: [RegionID(1)])
    let client = try #require(machine.hypervisor.addTraceClient())
    let other = PageRange(page: Self.page + 1)
    try machine.hypervisor.trace(other, for: client, on: 0)
    for (page, expected) in [(Self.page, ClientSet()), (other.first, client.set)] {
      let store = Store(vcpu: 1, address: page.address, size: 8)
      #expect(machine.hypervisor.monitor.judge(store).otherClients == expected)
    }
  }

  @Test("are those of the rule, drain by drain", arguments: 0..<20 as Range<UInt64>)
  func againstLists(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let window = Int.random(in: 1...64, using: &random)
    let rule = try #require(Promotion(hits: Int.random(in: 1...min(window, 6), using: &random), window: window))
    var map = TraceMap(pages: 64)
    let client = map.addClient()
    var pages = PromotedPages(try #require(client), rule)
    // Every drain's pages, every promoted page's last store, and the pages that stay.
    var logs: [Set<UInt64>] = []
    var last: [UInt64: Int] = [:]
    var kept: Set<UInt64> = []
    for step in 0..<600 {
      switch random.below(8) {
      case 0:
        let page = random.below(12)
        pages.stored(to: GuestPageNumber(page))
        if last[page] != nil { last[page] = logs.count }
      case 1 where random.below(6) == 0:
        let page = random.below(12)
        let new = pages.keep(PageRange(page: GuestPageNumber(page)))
        #expect(new.isEmpty == (last[page] != nil || kept.contains(page)), "seed \(seed), step \(step)")
        last[page] = nil
        kept.insert(page)
      case 2 where random.below(4) == 0:
        let page = random.below(12)
        let gone = pages.forget(PageRange(page: GuestPageNumber(page)))
        #expect(gone.isEmpty == (last[page] == nil && !kept.contains(page)), "seed \(seed), step \(step)")
        last[page] = nil
        kept.remove(page)
        for index in logs.indices { logs[index].remove(page) }
      default:
        let written = (0..<12 as Range<UInt64>).filter { page in
          last[page] == nil && !kept.contains(page) && random.below(7) == 0
        }
        logs.append(Set(written))
        let change = pages.drained(written.map { GuestPageNumber($0) })
        let recent = logs.suffix(window)
        let hot = written.filter { page in recent.count { $0.contains(page) } >= rule.hits }
        for page in hot {
          last[page] = logs.count
          for index in logs.indices { logs[index].remove(page) }
        }
        let cold = last.filter { logs.count - $0.value > window }.keys.sorted()
        for page in cold { last[page] = nil }
        #expect(change.promoted.map(\.rawValue) == hot, "seed \(seed), step \(step)")
        #expect(change.demoted.map(\.rawValue) == cold, "seed \(seed), step \(step)")
      }
    }
  }

  @Test("follow a rule that can be met", arguments: [(0, 1), (2, 1), (1, 65), (-1, 4)])
  func rules(hits: Int, window: Int) { #expect(Promotion(hits: hits, window: window) == nil) }
}
