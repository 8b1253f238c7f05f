import Addresses
import GuestIntegrity
import Recordings

/// Where the hypercalls of a replay come from: the recording, and a policy in place of what its driver asked to be protected.
///
/// The driver's GI_PROTECT, GI_UNPROTECT and GI_SET_ACTION give way to the policy's; GI_INIT, GI_DONATE_NODE, GI_ENTER and
/// GI_EXIT stay as recorded, so that the cost of its windows stays real. What the policy asks is asked at the end of the
/// first window that the driver closes after the mark that arms it. Without a policy a mark holds back what the driver itself asks. A recording without a
/// driver gets a ``SyntheticDriver`` at the mark.
struct HypercallSource {
  /// A hypercall to execute.
  struct Due {
    var call: Hypercall
    var vcpu: Int
    /// What a policy makes it for, so that it must not be refused; nil for a recorded one.
    var purpose: String?
  }

  private enum Driver {
    case recorded(code: PageRange?, entry: UInt64)
    case synthetic(SyntheticDriver)
  }

  /// The mark that arms; nil where nothing waits for one.
  private let mark: UInt64?
  private let replacesDriver: Bool
  private let driver: Driver
  private var isArmed: Bool
  /// vCPUs with a window of the recorded driver open.
  private var inWindow: Set<Int> = []
  /// What is asked at the end of the next window.
  private var waiting: [PolicyCall]

  /// The hypercalls of the recording alone.
  init() {
    self.init(mark: nil, protection: nil, registration: nil, guestBytes: 0)
  }

  /// With a policy's `protection` in place of the driver's, or without one with what the driver asks held back to the mark.
  init(mark: UInt64?, protection: ResolvedPolicy?, registration: Hypercall?, guestBytes: UInt64) {
    self.mark = mark
    replacesDriver = protection != nil
    isArmed = mark == nil
    waiting = protection?.calls ?? []
    if protection != nil, registration == nil {
      driver = .synthetic(SyntheticDriver(behind: guestBytes, ranges: waiting.count))
    } else {
      driver = .recorded(
        code: registration.flatMap { PackedRange(rawValue: $0.rdi).range }, entry: registration?.rdx ?? 0)
    }
  }

  /// Whether the recording has no driver of its own, so that a made-up one asks.
  var hasSyntheticDriver: Bool { if case .synthetic = driver { true } else { false } }

  /// Guest memory that the replay needs, with the pages of a synthetic driver.
  func memoryBytes(of guestBytes: UInt64) -> UInt64 {
    if case .synthetic(let driver) = driver { driver.memoryBytes } else { guestBytes }
  }

  /// Whether something asked for has never been put to the hypervisor.
  var isWaiting: Bool { !waiting.isEmpty }

  /// The hypercalls due before the first store.
  mutating func start() -> [Due] { isArmed ? syntheticCalls(on: 0, at: 0) : [] }

  /// The hypercalls due at an event, in order.
  mutating func calls(at event: RecordedEvent) -> [Due] {
    switch event {
    case .mark(let reached) where reached.id == mark && !isArmed:
      isArmed = true
      return syntheticCalls(on: reached.vcpu, at: reached.count)
    case .hypercall(let recorded): return calls(at: Hypercall(recorded), on: recorded.vcpu)
    case .mark, .cr3, .map, .halt, .control: return []
    }
  }

  private mutating func calls(at call: Hypercall, on vcpu: Int) -> [Due] {
    let asRecorded = [Due(call: call, vcpu: vcpu)]
    guard case .recorded(let code, let entry) = driver, let code, call.cpl == 0, code.contains(call.ripAddress.page)
    else {
      return asRecorded
    }
    switch HypercallNumber(rawValue: call.number) {
    case .protect, .unprotect, .setAction:
      if replacesDriver { return [] }
      guard !isArmed || isWaiting else { return asRecorded }
      waiting.append(PolicyCall(purpose: "what the recorded driver asks", call: call))
      return []
    case .enter:
      if call.rip.rawValue == entry, !call.interruptsEnabled { inWindow.insert(vcpu) }
      return asRecorded
    case .exit:
      guard inWindow.remove(vcpu) != nil, isArmed else { return asRecorded }
      defer { waiting = [] }
      return waiting.map { Due(call: $0.issued(like: call).call, vcpu: vcpu, purpose: $0.purpose) } + asRecorded
    case .initialise, .donateNode, .query, .shutdown, nil: return asRecorded
    }
  }

  private mutating func syntheticCalls(on vcpu: Int, at time: UInt64) -> [Due] {
    guard case .synthetic(let driver) = driver else { return [] }
    defer { waiting = [] }
    return driver.calls(asking: waiting, at: time).map { Due(call: $0.call, vcpu: vcpu, purpose: $0.purpose) }
  }
}

extension ResolvedPolicy {
  /// The hypercalls that ask for it.
  var calls: [PolicyCall] {
    regions.flatMap { region in
      region.pages.map { first, count in
        PolicyCall.protecting(
          PageRange(first: GuestPageNumber(first), count: count)!, as: region.id, actions: region.actions,
          purpose: "region '\(region.name)', \(counted(count, "page", "pages")) from \(hex(first << 12)) on")
      }
    }
  }
}
