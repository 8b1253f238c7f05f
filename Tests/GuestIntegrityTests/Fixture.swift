import Addresses
import EPT
import MonitorTree
import Testing

@testable import GuestIntegrity

/// Processors that write down what they are asked for.
struct RecordingProcessors: ProcessorControl {
  enum Act: Hashable {
    case load(TableSet, Int, SwitchMeans)
    case invept(InvalidationScope, Int)
    case shootdown(Int, from: Int)
    case exit(ExitReason, Int)
    case hold(Bool, Int)
  }
  var acts: [Act] = []
  var edits = 0
  var stores = 0
  var refusedStores = 0
  var registers: [ContextRegisters]?
  /// What vCPU 0's page-modification log holds.
  var modificationLog: [GuestPhysicalAddress] = []

  mutating func loadEPTP(_ pointer: EPTPointer, set: TableSet, on vcpu: Int, by means: SwitchMeans) {
    acts.append(.load(set, vcpu, means))
  }
  mutating func invept(_ scope: InvalidationScope, on vcpu: Int) { acts.append(.invept(scope, vcpu)) }
  mutating func shootdown(of vcpu: Int, from sender: Int) { acts.append(.shootdown(vcpu, from: sender)) }
  mutating func entriesEdited(_ count: Int, by vcpu: Int) { edits += count }
  mutating func exit(_ reason: ExitReason, on vcpu: Int) { acts.append(.exit(reason, vcpu)) }
  mutating func driverStores(_ count: Int, refused: Int, nodesVisited: Int, on vcpu: Int) {
    stores += count
    refusedStores += refused
  }
  mutating func treeNodesVisited(_ count: Int, on vcpu: Int) {}
  mutating func takeModificationLog(of vcpu: Int) -> [GuestPhysicalAddress] {
    defer { if vcpu == 0 { modificationLog = [] } }
    return vcpu == 0 ? modificationLog : []
  }
  func contextRegisters(of vcpu: Int) -> ContextRegisters? { registers?[vcpu] }
  mutating func setContextRegisters(_ new: ContextRegisters, of vcpu: Int) { registers?[vcpu] = new }
  mutating func holdInterrupts(_ hold: Bool, on vcpu: Int) { acts.append(.hold(hold, vcpu)) }
}

/// A machine of 64 MiB with a driver: code on page 0x800, data on 0x801 ... 0x804, nodes on 0x810 ... 0x84f.
final class Fixture {
  static let ramPages: UInt64 = 64 << 8
  static let code = pages(0x800, 1)
  static let data = pages(0x801, 4)
  static let nodes = pages(0x810, 64)
  /// Pages that tests protect.
  static let text = pages(0x1000, 700)
  static let linearBase: UInt64 = 0xffff_ffff_c000_0000
  static let entryOffset: UInt64 = 0x100
  static let exitOffset: UInt64 = 0x200

  let hypervisor: Hypervisor<RecordingProcessors>

  init(
    _ switching: any Switching = .eptpByExit, vcpus: Int = 1, spareBytes: Int = 1 << 20,
    _ change: (inout Configuration) -> Void = { _ in }
  ) throws {
    var configuration = Configuration(switching: switching)
    change(&configuration)
    let ram = Self.ramPages << 12
    let host = Hypervisor<RecordingProcessors>.hostBytes(ramBytes: ram) &+ UInt64(bitPattern: Int64(spareBytes))
    hypervisor = try Hypervisor(
      memory: try #require(HostMemory(byteCount: host)), ramBytes: ram, vcpus: vcpus, configuration: configuration,
      processors: RecordingProcessors())
  }

  /// A machine whose driver has registered, donated its node pages and protected ``text``, and has left integrity mode.
  static func armed(
    _ switching: any Switching = .eptpByExit, vcpus: Int = 1, _ change: (inout Configuration) -> Void = { _ in }
  ) throws -> Fixture {
    let fixture = try Fixture(switching, vcpus: vcpus, change)
    try fixture.arm()
    return fixture
  }

  func arm() throws {
    let results = [initialise(), enter(), donate(), protect(Self.text), exit()]
    guard results.allSatisfy({ $0 == .success }) else { throw FixtureError.notArmed(results) }
  }

  enum FixtureError: Error { case notArmed([HypercallResult]) }

  static func pages(_ first: UInt64, _ count: UInt64) -> PageRange {
    PageRange(first: GuestPageNumber(first), count: count) ?? PageRange(page: GuestPageNumber(first))
  }

  // MARK: - The driver

  func call(
    _ number: HypercallNumber, _ rdi: UInt64 = 0, _ rsi: UInt64 = 0, _ rdx: UInt64 = 0, _ r10: UInt64 = 0,
    offset: UInt64 = 0x300, on vcpu: Int = 0, _ change: (inout Hypercall) -> Void = { _ in }
  ) -> HypercallResult {
    var call = Hypercall(
      number: number.rawValue, rdi: rdi, rsi: rsi, rdx: rdx, r10: r10,
      rip: GuestLinearAddress(Self.linearBase + offset),
      ripAddress: GuestPhysicalAddress(Self.code.first.address.rawValue + offset))
    change(&call)
    return hypervisor.hypercall(call, on: vcpu)
  }

  @discardableResult
  func initialise(_ change: (inout Hypercall) -> Void = { _ in }) -> HypercallResult {
    call(
      .initialise, PackedRange(Self.code)?.rawValue ?? 0, PackedRange(Self.data)?.rawValue ?? 0,
      Self.linearBase + Self.entryOffset, Self.linearBase + Self.exitOffset, change)
  }
  @discardableResult
  func enter(on vcpu: Int = 0, _ change: (inout Hypercall) -> Void = { _ in }) -> HypercallResult {
    call(.enter, offset: Self.entryOffset, on: vcpu, change)
  }
  @discardableResult
  func exit(on vcpu: Int = 0) -> HypercallResult { call(.exit, offset: Self.exitOffset, on: vcpu) }
  @discardableResult
  func donate(_ range: PageRange = Fixture.nodes, on vcpu: Int = 0) -> HypercallResult {
    call(.donateNode, range.first.rawValue, range.count, on: vcpu)
  }
  @discardableResult
  func protect(
    _ range: PageRange, _ actions: AlertActions = [.count, .log], region: UInt64 = 1, on vcpu: Int = 0
  ) -> HypercallResult {
    call(.protect, range.first.rawValue, range.count, UInt64(actions.rawValue), region, on: vcpu)
  }
  @discardableResult
  func unprotect(_ range: PageRange, region: UInt64 = 0, on vcpu: Int = 0) -> HypercallResult {
    call(.unprotect, range.first.rawValue, range.count, 0, region, on: vcpu)
  }

  /// Runs `body` in integrity mode of a vCPU.
  @discardableResult
  func inIntegrityMode<Result>(on vcpu: Int = 0, _ body: () throws -> Result) rethrows -> Result {
    enter(on: vcpu)
    defer { exit(on: vcpu) }
    return try body()
  }

  // MARK: - Stores

  /// Eight bytes are stored through the set active on a vCPU and completed as the hypervisor says; nil if the EPT lets
  /// the store pass by itself.
  @discardableResult
  func write(
    _ address: GuestPhysicalAddress, value: UInt64 = 0x1122_3344_5566_7788, size: Int = 8, on vcpu: Int = 0
  ) -> Verdict? {
    switch walk(address, .dataWrite, in: hypervisor.activeSet(of: vcpu)) {
    case .translated(let translation):
      hypervisor.memory.store(value, at: translation.hpa)
      return nil
    case .violation(let violation):
      let store = Store(vcpu: vcpu, address: address, size: size, value: StoredValue(low: value))
      let verdict = hypervisor.handle(store, violation: violation)
      if verdict.isCompleted, let frame = hypervisor.monitor.tracing.tables.frame(of: address.page) {
        hypervisor.memory.store(value, at: HostPhysicalAddress(frame.rawValue + address.pageOffset))
      }
      return verdict
    default: return nil
    }
  }

  @discardableResult
  func write(page: GuestPageNumber, offset: UInt64 = 8, value: UInt64 = 0x99, on vcpu: Int = 0) -> Verdict? {
    write(GuestPhysicalAddress(page.address.rawValue + offset), value: value, on: vcpu)
  }

  func walk(_ address: GuestPhysicalAddress, _ access: AccessKind, in set: TableSet) -> TranslationOutcome {
    var machine = EPTMachine(memory: hypervisor.memory, eptp: hypervisor.eptp(of: set))
    return machine.access(GuestAccess(address, access))
  }

  func word(at address: GuestPhysicalAddress) -> UInt64 {
    guard let frame = hypervisor.monitor.tracing.tables.frame(of: address.page) else { return 0 }
    return hypervisor.memory.load(HostPhysicalAddress(frame.rawValue + address.pageOffset))
  }

  var events: [AlertEvent] { (0..<hypervisor.vcpuCount).flatMap { hypervisor.alerts(of: $0).drain() } }
}

extension GuestPageNumber {
  static func + (a: Self, b: UInt64) -> Self { Self(a.rawValue + b) }
  static func - (a: Self, b: UInt64) -> Self { Self(a.rawValue - b) }
}
