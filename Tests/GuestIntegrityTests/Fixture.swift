import Addresses
import EPT
import MonitorTree

@testable import GuestIntegrity

/// Processors that write down what they are asked for.
struct RecordingProcessors: ProcessorControl {
  enum Act: Hashable {
    case load(TableSet, Int, SwitchMeans)
    case invept(InvalidationScope, Int)
    case shootdown(Int, from: Int)
    case exit(ExitReason, Int)
  }
  var acts: [Act] = []
  var edits = 0
  var stores = 0
  var refusedStores = 0

  mutating func loadEPTP(_ pointer: EPTPointer, set: TableSet, on vcpu: Int, by means: SwitchMeans) {
    acts.append(.load(set, vcpu, means))
  }
  mutating func invept(_ scope: InvalidationScope, on vcpu: Int) { acts.append(.invept(scope, vcpu)) }
  mutating func shootdown(of vcpu: Int, from sender: Int) { acts.append(.shootdown(vcpu, from: sender)) }
  mutating func entriesEdited(_ count: Int) { edits += count }
  mutating func exit(_ reason: ExitReason, on vcpu: Int) { acts.append(.exit(reason, vcpu)) }
  mutating func driverStores(_ count: Int, refused: Int, on vcpu: Int) {
    stores += count
    refusedStores += refused
  }
  mutating func treeNodesVisited(_ count: Int, on vcpu: Int) {}
}

/// A machine of 64 MiB with a driver: code on page 0x800, data on 0x801 ... 0x804, nodes on 0x810 ... 0x84f.
final class Fixture {
  static let ramPages: UInt64 = 64 << 8
  static let code = PageRange(page: GuestPageNumber(0x800))
  static let data = PageRange(first: GuestPageNumber(0x801), count: 4).unsafelyUnwrapped
  static let nodes = PageRange(first: GuestPageNumber(0x810), count: 64).unsafelyUnwrapped
  static let linearBase: UInt64 = 0xffff_ffff_c000_0000
  static let entryOffset: UInt64 = 0x100
  static let exitOffset: UInt64 = 0x200

  let hypervisor: Hypervisor<RecordingProcessors>

  init(_ switching: Switching = .eptpByExit, vcpus: Int = 1, _ change: (inout Configuration) -> Void = { _ in })
    throws
  {
    var configuration = Configuration(switching: switching)
    change(&configuration)
    let ram = Self.ramPages << 12
    hypervisor = try Hypervisor(
      memory: HostMemory(byteCount: Int(Hypervisor<RecordingProcessors>.hostBytes(ramBytes: ram))), ramBytes: ram,
      vcpus: vcpus, configuration: configuration, processors: RecordingProcessors())
  }

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
  func initialise() -> HypercallResult {
    call(
      .initialise, PackedRange(Self.code)?.rawValue ?? 0, PackedRange(Self.data)?.rawValue ?? 0,
      Self.linearBase + Self.entryOffset, Self.linearBase + Self.exitOffset)
  }
  @discardableResult
  func enter(on vcpu: Int = 0) -> HypercallResult { call(.enter, offset: Self.entryOffset, on: vcpu) }
  @discardableResult
  func exit(on vcpu: Int = 0) -> HypercallResult { call(.exit, offset: Self.exitOffset, on: vcpu) }
  @discardableResult
  func donate(_ range: PageRange = Fixture.nodes, on vcpu: Int = 0) -> HypercallResult {
    call(.donateNode, range.first.rawValue, range.count, on: vcpu)
  }
  @discardableResult
  func protect(
    _ first: UInt64, _ count: UInt64, _ actions: AlertActions = [.count, .log], region: UInt64 = 1, on vcpu: Int = 0
  ) -> HypercallResult { call(.protect, first, count, UInt64(actions.rawValue), region, on: vcpu) }
}
