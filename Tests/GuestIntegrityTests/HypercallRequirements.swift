import Addresses
import EPT
import MonitorTree
import Testing

@testable import GuestIntegrity

@Suite("Hypercalls and entry: requirements R33 to R38")
struct HypercallRequirements {
  @Test("R33 protecting is executed only after the mode has been examined", .requirement(33))
  func modeBeforeArguments() throws {
    let fixture = try Fixture.armed()
    // Arguments that could not be served either: the mode is what is refused first.
    #expect(fixture.call(.protect, .max, .max, .max, .max).error == .wrongMode)
    #expect(fixture.call(.protect, 0x3000, 1, 1, 5).error == .wrongMode)
    #expect(fixture.write(page: GuestPageNumber(0x3000)) == nil)
    fixture.inIntegrityMode { #expect(fixture.call(.protect, 0x3000, 1, 1, 5) == .success) }
    #expect(fixture.write(page: GuestPageNumber(0x3000))?.isAlert == true)
  }

  @Test("R34 unprotecting in the wrong mode raises the hypercall alert, and the page stays protected", .requirement(34))
  func unprotectInWrongMode() throws {
    let fixture = try Fixture.armed { $0.hypercallActions = [.count, .suspend] }
    #expect(fixture.unprotect(Fixture.text).error == .wrongMode)
    let events = fixture.events
    #expect(events.map(\.cause) == [.hypercall])
    #expect(events.first?.detail == Int32(HypercallError.wrongMode.rawValue))
    #expect(events.first?.actions == [.count, .suspend])
    #expect(fixture.hypervisor.machine.run == .suspended)
    #expect(fixture.write(page: Fixture.text.first)?.isAlert == true)
  }

  @Test("R35 protecting installs a trace, unprotecting drops it", .requirement(35))
  func protectingTraces() throws {
    let fixture = try Fixture.armed()
    let page = GuestPageNumber(0x3000)
    #expect(fixture.hypervisor.monitor.tracing.clients(of: page) == [])
    fixture.inIntegrityMode { fixture.protect(PageRange(page: page)) }
    #expect(fixture.hypervisor.monitor.tracing.clients(of: page) == .protection)
    fixture.inIntegrityMode { fixture.unprotect(PageRange(page: page)) }
    #expect(fixture.hypervisor.monitor.tracing.clients(of: page) == [])
  }

  @Test(
    "R36 the driver's own code is protected from registration on", .requirement(36), arguments: Mechanism.switchings)
  func codeIsProtected(switching: any Switching) throws {
    let fixture = try Fixture(switching)
    #expect(fixture.write(page: Fixture.code.first) == nil)
    #expect(fixture.initialise() == .success)
    #expect(
      fixture.write(page: Fixture.code.first)?.finding == .alert(.giCode, region: .tree, actions: .init(rawValue: 15)))
  }

  @Test("R37 pages of the tree are protected pages: queries say so, and no call takes them out", .requirement(37))
  func treePagesAreProtected() throws {
    let fixture = try Fixture.armed()
    for page in Fixture.nodes.all {
      let answer = fixture.call(.query, page.rawValue)
      #expect(answer.isSuccess && answer.rawValue >> 12 & 0xf == Int64(PageKind.tree.rawValue) + 1)
    }
    fixture.inIntegrityMode {
      #expect(fixture.unprotect(Fixture.nodes).error == .overlapsTree)
      #expect(fixture.protect(Fixture.pages(0x80f, 3)).error == .overlapsTree)
      #expect(fixture.donate(Fixture.pages(0x84f, 2)).error == .overlapsTree)
    }
    #expect(fixture.write(page: Fixture.nodes.first)?.isAlert == true)
  }

  @Test(
    "R38 integrity mode is entered from the registered address: no other byte of the page will do", .requirement(38))
  func everyOtherOffset() throws {
    let fixture = try Fixture.armed()
    let before = fixture.hypervisor.activeSet(of: 0)
    for offset in UInt64(0)..<4096 where offset != Fixture.entryOffset {
      #expect(fixture.call(.enter, offset: offset).error == .wrongEntryAddress, "offset \(offset)")
    }
    #expect(fixture.hypervisor.activeSet(of: 0) == before)
    #expect(fixture.hypervisor.counters[.entries] == 1)
    let events = fixture.events
    #expect(events.count == 1024 + 1)
    #expect(events.last?.cause == .eventsLost)
    #expect(fixture.hypervisor.alerts(of: 0).overflow == 4095 - 1024)
  }

  /// A way not to be fit for integrity mode.
  struct Unfit: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let error: HypercallError
    let change: @Sendable (inout Hypercall) -> Void

    init(_ description: String, _ error: HypercallError, _ change: @escaping @Sendable (inout Hypercall) -> Void) {
      testDescription = description
      self.error = error
      self.change = change
    }

    static let all = [
      Self("the next page", .wrongEntryAddress) { $0.rip.rawValue += 4096 },
      Self("the entry's page mapped at another address", .wrongEntryAddress) { $0.rip.rawValue ^= 1 << 40 },
      Self("the entry's address mapped to malware", .wrongEntryPage) { $0.ripAddress = .init(0x3000_100) },
      Self("the entry's address mapped to GI data", .wrongEntryPage) { $0.ripAddress.rawValue += 4096 },
      Self("another offset of the page", .wrongEntryPage) { $0.ripAddress.rawValue += 8 },
      Self("user mode", .notSupervisor) { $0.cpl = 3 },
      Self("ring 1", .notSupervisor) { $0.cpl = 1 },
      Self("interrupts on", .interruptsEnabled) { $0.rflags = 0x202 },
      Self("a single step armed", .singleStepArmed) { $0.rflags = 0x102 },
      Self("compatibility mode", .notLongMode) { $0.state = [] },
      Self("an event half delivered", .deliveringEvent) { $0.state = [.longMode, .deliveringEvent] },
    ]
  }

  @Test(
    "R38 nor will another page, a remapped page, user mode, or a processor in an unfit state", .requirement(38),
    arguments: Unfit.all)
  func unfitEntries(unfit: Unfit) throws {
    let fixture = try Fixture.armed()
    fixture.hypervisor.processors.acts = []
    #expect(fixture.enter(unfit.change).error == unfit.error)
    #expect(fixture.hypervisor.activeSet(of: 0) == .normal)
    #expect(fixture.hypervisor.processors.acts == [.exit(.hypercall, 0)])
    #expect(fixture.events.map(\.cause) == [.entry])
  }
}
