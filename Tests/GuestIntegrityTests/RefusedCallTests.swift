import Addresses
import EPT
import MonitorTree
import Testing

@testable import GuestIntegrity

/// Refusals after the first step: arguments are good, pages are traced already, and then the tree says no.
@Suite("A hypercall that the tree refuses")
struct RefusedCallTests {
  /// Frame, rights and traces of pages, as both sets and the tracing service tell them.
  private func view(_ pages: [PageRange], of fixture: Fixture) -> [UInt64] {
    pages.flatMap(\.all).flatMap { page in
      [TableSet.normal, .integrity].map { set in
        PageView(page, in: set, of: fixture).map { $0.frame << 16 | UInt64($0.rights.rawValue) << 8 } ?? .max
      } + [UInt64(fixture.hypervisor.monitor.tracing.clients(of: page).rawValue)]
    }
  }

  static let mechanisms: [any Switching] = Mechanism.switchings

  @Test(
    "for want of node pages leaves no page traced that nobody claims, and every page mapped as before",
    arguments: mechanisms)
  func outOfNodePages(switching: any Switching) throws {
    let fixture = try Fixture(switching)
    let results = [fixture.initialise(), fixture.enter(), fixture.donate(Fixture.pages(0x810, 12))]
    try #require(results.allSatisfy { $0 == .success })
    let client = try #require(fixture.hypervisor.addTraceClient())
    try fixture.hypervisor.trace(Fixture.pages(0x2400, 3), for: client, on: 0)
    let watched = [Fixture.pages(0x1000, 0x1000), Fixture.pages(0x2000, 0x600)]
    var refused = 0
    for step in 0..<4000 as Range<UInt64> {
      // Every second page, so that no two claims join; the far ones reach into pages that are large leaves still.
      let range =
        step % 50 == 49 ? Fixture.pages(0x2000 + step / 50 * 4, 0x301) : Fixture.pages(0x1000 + 2 * step % 0xff0, 1)
      // What was before is looked at once the pool is nearly empty: calls before are served.
      let before = refused > 0 ? view(watched, of: fixture) : []
      let result = fixture.protect(range, region: 1 + step % 7)
      guard result.error == .outOfNodePages else {
        try #require(result == .success, "step \(step): \(result)")
        continue
      }
      if refused == 0 { refused = 1; continue }
      refused += 1
      try #require(view(watched, of: fixture) == before, "\(switching), step \(step): traces or rights stay changed")
      try #require(fixture.hypervisor.audit() == [])
      if refused == 12 { break }
    }
    #expect(refused == 12)
    #expect(PageView.differences(in: fixture).allSatisfy { $0.hasPrefix("page 9") }, "only the client's pages differ")
    fixture.exit()
    // Nobody is notified of a store to a page that was refused.
    #expect(fixture.write(page: GuestPageNumber(0x2500)) == nil)
  }

  @Test("because a page has too many owners leaves it, and the pages beside it, as they were", arguments: mechanisms)
  func tooManyOwners(switching: any Switching) throws {
    let fixture = try Fixture.armed(switching)
    fixture.enter()
    let page = Fixture.pages(0x2000, 1)
    let wide = Fixture.pages(0x1ff0, 0x30)
    var last = HypercallResult.success
    var region: UInt64 = 1
    while last == .success, region < 100 {
      last = fixture.protect(page, region: region)
      region += 1
    }
    try #require(last.error == .tooManyOwners)
    let before = view([wide], of: fixture)
    #expect(fixture.protect(wide, region: 500).error == .tooManyOwners)
    #expect(view([wide], of: fixture) == before)
    #expect(fixture.hypervisor.audit() == [] && PageView.differences(in: fixture) == [])
  }

  @Test(
    "for a corrupt node keeps the traces of every page behind it",
    arguments: [.eptpByExit, .filterByMode] as [any Switching])
  func corruptNode(switching: any Switching) throws {
    let fixture = try Fixture(switching)
    let results = [fixture.initialise(), fixture.enter(), fixture.donate()]
    try #require(results.allSatisfy { $0 == .success })
    // Claims enough for several leaves.
    for index in 0..<600 as Range<UInt64> {
      try #require(fixture.protect(Fixture.pages(0x1000 + 2 * index, 1), region: 1 + index % 2) == .success)
    }
    let all = Fixture.pages(0x1000, 1200)
    let claimed = all.all.filter { fixture.hypervisor.monitor.tracing.clients(of: $0).contains(.protection) }
    try #require(claimed.count == 600)
    // The leaf of the last claims, found by what a look-up there reads last, is damaged.
    let memory = fixture.hypervisor.memory
    var damaged: [GuestPageNumber] = []
    for page in Fixture.nodes.all {
      guard case .treePage(let treePage) = fixture.hypervisor.tree.find(page).answer, treePage.role != .base else {
        continue
      }
      let saved = (0..<512).map { memory.load(HostPhysicalAddress(page.address.rawValue + UInt64($0) * 8)) }
      for word in 0..<512 { memory.store(~0, at: HostPhysicalAddress(page.address.rawValue + UInt64(word) * 8)) }
      let isBehind: (UInt64) -> Bool = { number in
        if case .corrupt = fixture.hypervisor.tree.find(GuestPageNumber(number)).answer { true } else { false }
      }
      if isBehind(0x1000 + 2 * 599), !isBehind(0x1000) {
        damaged.append(page)
        break
      }
      for (word, value) in saved.enumerated() {
        memory.store(value, at: HostPhysicalAddress(page.address.rawValue + UInt64(word) * 8))
      }
    }
    try #require(!damaged.isEmpty, "no node that only the last claims need")
    for (call, region) in [(HypercallNumber.protect, 3), (.unprotect, 0), (.unprotect, 1)]
      as [(HypercallNumber, UInt64)]
    {
      let result = fixture.call(call, all.first.rawValue, all.count, call == .protect ? 3 : 0, region)
      #expect(result.error == .corruptTree, "\(call)")
      let traced = all.all.filter { fixture.hypervisor.monitor.tracing.clients(of: $0).contains(.protection) }
      let lost = Set(claimed).subtracting(traced).filter {
        if case .notMine = fixture.hypervisor.tree.find($0).answer { false } else { true }
      }
      #expect(lost.isEmpty, "\(call): \(lost.count) pages are claimed, or may be, and not traced")
      for page in lost.prefix(3) { #expect(PageView(page, in: .normal, of: fixture)?.rights.contains(.write) == false) }
    }
  }

  @Test(
    "or the hypervisor, for a region of more than 16 bits, changes nothing",
    arguments: [HypercallNumber.protect, .unprotect, .setAction],
    [0x1_0000, 0x1_0001, 0xffff_0001, 1 << 32 | 1, 1 << 63, .max] as [UInt64])
  func wideRegion(number: HypercallNumber, region: UInt64) throws {
    let fixture = try Fixture.armed()
    fixture.enter()
    let before = HypercallProperties.State(fixture)
    let result = fixture.call(number, Fixture.text.first.rawValue, 5, number == .unprotect ? 0 : 3, region)
    #expect(result.error == .invalidRegion)
    #expect(HypercallProperties.State(fixture) == before)
    #expect(fixture.call(.query, Fixture.text.first.rawValue).rawValue != 0, "region 1 claims the page still")
  }
}

/// Two alerts, two clients, a second machine: what comes after the first.
@Suite("A second alert or client")
struct SecondAlertTests {
  @Test("that suspends does not make a machine one that can be resumed, once it is powered off")
  func poweredOffStays() throws {
    let fixture = try Fixture.armed { $0.mappingActions = [.suspend] }
    fixture.enter()
    let (fatal, mild) = (Fixture.pages(0x3000, 1), Fixture.pages(0x3100, 1))
    #expect(fixture.protect(fatal, .powerOff, region: 2) == .success)
    #expect(fixture.protect(mild, [.suspend, .snapshotThenSuspend], region: 3) == .success)
    fixture.exit()
    let hypervisor = fixture.hypervisor
    fixture.write(page: mild.first)
    #expect(hypervisor.machine.run == .suspended && hypervisor.resume() && hypervisor.machine.run == .running)
    fixture.write(page: fatal.first)
    #expect(hypervisor.machine.run == .poweredOff)
    let attempts: [() -> Void] = [
      { _ = hypervisor.handleDeviceStore(Store(vcpu: 0, address: mild.first.address, size: 8)) },
      { try? hypervisor.unmap(mild.first, on: 0) }, { fixture.write(page: mild.first) },
      { fixture.write(page: fatal.first) },
    ]
    for attempt in attempts {
      attempt()
      #expect(hypervisor.machine.run == .poweredOff)
      #expect(!hypervisor.resume() && hypervisor.machine.run == .poweredOff)
    }
  }

  /// Bit 63 of the leaf that maps a page in a set, found as the processor would: by the EPTP and four entries.
  private func suppressesVE(_ page: GuestPageNumber, in set: TableSet, of fixture: Fixture) -> Bool? {
    var table = fixture.hypervisor.eptp(of: set).rawValue & 0xf_ffff_ffff_f000
    for shift in [27, 18, 9, 0] as [UInt64] {
      let entry = fixture.hypervisor.memory.load(HostPhysicalAddress(table + (page.rawValue >> shift & 511) * 8))
      guard entry & 7 != 0 else { return nil }
      if shift == 0 || entry & 0x80 != 0 { return entry >> 63 == 1 }
      table = entry & 0xf_ffff_ffff_f000
    }
    return nil
  }

  @Test("of the tracing service keeps violations of a page from the guest's handler, until it lets go, in both sets")
  func sharedPageExits() throws {
    let fixture = try Fixture.armed(.eptpByVMFUNC) {
      $0.mechanism = Mechanism(
        switching: .eptpByVMFUNC, noticing: .virtualizationException, completion: .viewSwitch)
    }
    let hypervisor = fixture.hypervisor
    let clients = try (0..<2).map { _ in try #require(hypervisor.addTraceClient()) }
    let shared = Fixture.pages(Fixture.text.first.rawValue + 100, 30)
    func expect(_ suppressed: Bool, _ what: String) {
      for page in Fixture.text.all {
        let expected = suppressed && shared.contains(page)
        for set in [TableSet.normal, .integrity] {
          #expect(suppressesVE(page, in: set, of: fixture) == expected, "\(what): page \(page), \(set)")
        }
      }
    }
    expect(false, "alone")
    try hypervisor.trace(shared, for: clients[0], on: 0)
    expect(true, "with another client")
    let verdict = try #require(fixture.write(page: shared.first))
    #expect(verdict.isAlert && verdict.otherClients == clients[0].set)
    try hypervisor.trace(shared, for: clients[1], on: 0)
    try hypervisor.untrace(shared, for: clients[0], on: 0)
    expect(true, "with the second of two")
    #expect(fixture.write(page: shared.last)?.otherClients == clients[1].set)
    try hypervisor.untrace(shared, for: clients[1], on: 0)
    expect(false, "alone again")
    // The other order: the client is there first.
    let later = Fixture.pages(0x3000, 20)
    try hypervisor.trace(later, for: clients[0], on: 0)
    fixture.inIntegrityMode { #expect(fixture.protect(later, region: 4) == .success) }
    for page in later.all { #expect(suppressesVE(page, in: .normal, of: fixture) == true) }
    try hypervisor.untrace(later, for: clients[0], on: 0)
    for page in later.all { #expect(suppressesVE(page, in: .normal, of: fixture) == false) }
  }

  @Test("finds a moved page word for word as it was, there and back", arguments: Mechanism.switchings)
  func movedPage(switching: any Switching) throws {
    let fixture = try Fixture.armed(switching)
    for page in [Fixture.text.first + 3, GuestPageNumber(0x3456)] {
      let words = (0..<512 as Range<UInt64>).map { 0x0101_0101_0101_0101 &* ($0 + 1) ^ page.rawValue << 40 }
      for (index, word) in words.enumerated() {
        let frame = try #require(fixture.hypervisor.frame(of: page))
        fixture.hypervisor.memory.store(word, at: HostPhysicalAddress(frame.rawValue + UInt64(index) * 8))
      }
      func content() -> [UInt64] {
        (0..<512 as Range<UInt64>).map { fixture.word(at: GuestPhysicalAddress(page.address.rawValue + $0 * 8)) }
      }
      for _ in 0..<4 {
        let before = fixture.hypervisor.frame(of: page)
        try fixture.hypervisor.move(page, on: 0)
        #expect(fixture.hypervisor.frame(of: page) != before)
        #expect(content() == words)
      }
    }
  }

  @Test("VMFUNC finds no set left after GI_SHUTDOWN, nor after a reset, on any vCPU")
  func shutDownList() throws {
    for isReset in [false, true] {
      let fixture = try Fixture.armed(.eptpByVMFUNC, vcpus: 3) { $0.allowsShutdown = true }
      let list = fixture.hypervisor.fields.eptpList
      let words = {
        (0..<512 as Range<UInt64>).map { fixture.hypervisor.memory.load(HostPhysicalAddress(list.rawValue + $0 * 8)) }
      }
      #expect(words().prefix(2).allSatisfy { $0 != 0 })
      if isReset {
        fixture.hypervisor.reset()
      } else {
        fixture.enter()
        #expect(fixture.call(.shutdown) == .success)
      }
      #expect(words() == [UInt64](repeating: 0, count: 512))
      for vcpu in 0..<3 {
        var machine = EPTMachine(memory: fixture.hypervisor.memory)
        fixture.hypervisor.configure(&machine, for: vcpu)
        let pointer = machine.eptp
        for index in 0..<512 as Range<UInt32> {
          #expect(machine.vmfunc(eax: 0, ecx: index) == .exit, "vCPU \(vcpu), ECX \(index)")
        }
        #expect(machine.eptp == pointer && pointer == fixture.hypervisor.eptp(of: .normal))
      }
    }
  }
}
