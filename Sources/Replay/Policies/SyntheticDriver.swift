import Addresses
import GuestIntegrity
import MonitorTree

/// A guest-integrity driver for a recording that has none: registered once, never seen again.
///
/// Its code page, its data page and the node pages of the tree lie behind the guest's memory, so that no recorded store can
/// reach them. It opens one window, in which it asks for the policy's protection.
struct SyntheticDriver {
  private let firstPage: UInt64
  private let nodes: UInt64

  /// A driver behind so many bytes of guest memory, with node pages for so many ranges.
  init(behind guestBytes: UInt64, ranges: Int) {
    firstPage = guestBytes >> 12
    // A node holds some dozens of ranges, and an update needs new pages for the old ones' path.
    nodes = UInt64(ranges) / 16 + 64
  }

  /// Guest memory with the driver's pages, in whole 2 MiB.
  var memoryBytes: UInt64 { ((firstPage + 2 + nodes) << 12 + 0x1f_ffff) & ~0x1f_ffff }

  /// The pages it gives for nodes of the tree.
  var nodePages: PageRange {
    let first = GuestPageNumber(firstPage + 2)
    return PageRange(first: first, count: nodes) ?? PageRange(page: first)
  }

  /// The hypercalls that register it and ask for protection, in order.
  func calls(asking protection: [PolicyCall], at time: UInt64) -> [PolicyCall] {
    let code = firstPage << 12
    // Linear addresses of its own; they need only agree with each other.
    let linear = 0xffff_ff00_0000_0000 | code
    let (entry, exit) = (linear + 0x100, linear + 0x200)
    func call(
      _ number: HypercallNumber, at address: UInt64, _ rdi: UInt64 = 0, _ rsi: UInt64 = 0, _ rdx: UInt64 = 0,
      _ r10: UInt64 = 0
    ) -> PolicyCall {
      PolicyCall(
        purpose: "the synthetic driver's \(number)",
        call: Hypercall(
          number: number.rawValue, rdi: rdi, rsi: rsi, rdx: rdx, r10: r10, rip: GuestLinearAddress(address),
          ripAddress: GuestPhysicalAddress(code | address & 0xfff), time: time))
    }
    return [
      call(.initialise, at: linear, code | 1, (code + 0x1000) | 1, entry, exit), call(.enter, at: entry),
      call(.donateNode, at: entry, firstPage + 2, nodes),
    ] + protection.map { $0.issued(like: call(.enter, at: entry).call) } + [call(.exit, at: exit)]
  }
}

/// A hypercall that a policy makes, and what for.
struct PolicyCall {
  /// What errors call it.
  var purpose: String
  var call: Hypercall

  /// A request for protection, with no place of its own.
  static func protecting(_ range: PageRange, as region: UInt64, actions: AlertActions, purpose: String) -> PolicyCall {
    PolicyCall(
      purpose: purpose,
      call: Hypercall(
        number: HypercallNumber.protect.rawValue, rdi: range.first.rawValue, rsi: range.count,
        rdx: UInt64(actions.rawValue), r10: region, rip: GuestLinearAddress(0), ripAddress: GuestPhysicalAddress(0)))
  }

  /// The same call from the place, and at the time, of another.
  func issued(like other: Hypercall) -> PolicyCall {
    var issued = self
    issued.call = other
    (issued.call.number, issued.call.rdi, issued.call.rsi) = (call.number, call.rdi, call.rsi)
    (issued.call.rdx, issued.call.r10) = (call.rdx, call.r10)
    return issued
  }
}
