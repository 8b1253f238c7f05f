import Addresses
import GuestIntegrity
import Recordings

extension Hypercall {
  /// A recorded hypercall as the hypervisor sees it.
  init(_ call: RecordedEvent.Hypercall) {
    self.init(
      number: call.number, rdi: call.arguments.rdi, rsi: call.arguments.rsi, rdx: call.arguments.rdx,
      r10: call.arguments.r10, rip: call.rip, ripAddress: call.ripAddress, rflags: call.rflags,
      cpl: UInt8(truncatingIfNeeded: call.cpl), cr3: call.cr3, time: call.count)
  }

  /// Every page that the call may have monitored, whatever comes of it.
  var namedPages: [PageRange] {
    switch HypercallNumber(rawValue: number) {
    case .initialise: [rdi, rsi].compactMap { PackedRange(rawValue: $0).range }
    case .protect, .donateNode: [PageRange(first: GuestPageNumber(rdi), count: rsi)].compactMap(\.self)
    case .enter, .exit, .unprotect, .setAction, .query, .shutdown, nil: []
    }
  }
}
