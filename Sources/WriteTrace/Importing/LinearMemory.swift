/// Where each linear page was last seen in guest memory: tells where a store that crosses a page end goes on.
///
/// The recorder gives the guest-physical address of a store's first byte only. Direct-mapped and bounded, so it may forget; and a
/// guest may have remapped a page since it was last stored to. Both halves of the answer are therefore marked in the trace: a
/// second page that was seen is a plain continuation, one that was never seen is an *assumed* one.
struct LinearMemory {
  private struct Slot {
    var linear: UInt64 = .max
    var space: UInt64 = 0
    var page: UInt64 = 0
  }

  private static let size = 1 << 16
  private let slots: UnsafeMutablePointer<Slot>
  /// The CR3 of each vCPU; linear addresses of the lower half mean something under their CR3 only.
  private var spaces = [UInt64](repeating: 0, count: TraceFormat.maximumVCPUs)
  private var lastLinear = UInt64.max
  private var lastPage = UInt64.max
  private var lastVCPU = -1

  init() {
    slots = .allocate(capacity: Self.size)
    slots.initialize(repeating: Slot(), count: Self.size)
  }

  func deallocate() { slots.deallocate() }

  /// A store shows where its linear page lies.
  @inline(__always)
  mutating func learn(vcpu: Int, gva: UInt64, gpa: UInt64) {
    let linear = gva >> 12
    let page = gpa >> 12
    if linear == lastLinear, page == lastPage, vcpu == lastVCPU { return }
    lastLinear = linear
    lastPage = page
    lastVCPU = vcpu
    slots[slot(linear)] = Slot(linear: linear, space: space(linear, vcpu), page: page)
  }

  /// A CR3 load changes what the lower half means.
  mutating func load(cr3: UInt64, vcpu: Int) {
    spaces[vcpu] = cr3 >> 12
    lastLinear = .max
  }

  /// The guest page of the linear page after the one of this address, if it was seen.
  func page(vcpu: Int, following gva: UInt64) -> UInt64? {
    let linear = gva >> 12 &+ 1
    let known = slots[slot(linear)]
    return known.linear == linear && known.space == space(linear, vcpu) ? known.page : nil
  }

  @inline(__always)
  private func slot(_ linear: UInt64) -> Int { Int(truncatingIfNeeded: linear) & (Self.size - 1) }

  @inline(__always)
  private func space(_ linear: UInt64, _ vcpu: Int) -> UInt64 { linear >> 51 == 0 ? spaces[vcpu] : 0 }
}
