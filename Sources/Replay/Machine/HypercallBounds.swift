import Addresses
import GuestIntegrity

/// What hypercalls of a recording may have a replay hold in memory: one of them can name every page of the guest.
struct HypercallBounds {
  /// Pages donated to the tree, which are written: 256 MiB, room for millions of claims.
  static let donatedPages: UInt64 = 1 << 16
  /// Pages with EPT leaves of 4 KiB, 8 bytes each: 64 GiB of guest memory.
  static let smallLeaves: UInt64 = 1 << 24

  private let strategy: String
  private let needsSmallLeaves: Bool
  private let guestPages: UInt64
  private var donated: UInt64 = 0
  private var small = RunMap(false)
  private var smallCount: UInt64 = 0

  init(_ strategy: Strategy?, guestPages: UInt64) {
    self.strategy = strategy?.name ?? ""
    needsSmallLeaves = strategy?.mechanism.noticing.needsSmallLeaves ?? false
    self.guestPages = guestPages
  }

  /// Refuses a recording with a hypercall that goes beyond; what the hypervisor refuses anyway takes nothing.
  mutating func admit(_ call: Hypercall, on vcpu: Int) throws {
    guard let range = PageRange(first: GuestPageNumber(call.rdi), count: call.rsi), range.last.rawValue < guestPages
    else { return }
    let place = "the hypercall of vCPU \(vcpu) at instruction \(call.time)"
    switch HypercallNumber(rawValue: call.number) {
    case .donateNode:
      guard donated + range.count <= Self.donatedPages else {
        throw ReplayError(
          "\(place): found \(range.count) pages donated to the tree, expected \(Self.donatedPages) in all at most; record a "
            + "driver that donates what its claims need")
      }
    case .protect where needsSmallLeaves:
      small.forEach(in: range.numbers) { numbers, isKnown in
        if !isKnown { smallCount += numbers.upperBound - numbers.lowerBound + 1 }
      }
      small.change(range.numbers) { _ in true }
      guard smallCount <= Self.smallLeaves else {
        throw ReplayError(
          "\(place): found \(range.count) pages to protect, expected \(Self.smallLeaves) in all at most under \(strategy), "
            + "which needs an EPT leaf for each; choose other strategies with --strategy")
      }
    default: break
    }
  }

  /// A hypercall has been done.
  mutating func done(_ call: Hypercall) {
    if HypercallNumber(rawValue: call.number) == .donateNode { donated += call.rsi }
  }
}
