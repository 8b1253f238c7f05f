import GuestIntegrity

/// A whole machine as plainly as can be: words of guest memory, a walk of the guest's tables for each access (SDM vol. 3A, "4-Level Paging and
/// 5-Level Paging"), and what the requirements R1 to R38 say becomes of it.
///
/// It has no EPT, no table sets, no caches, no invalidations and no tree, so it cannot be wrong about them as its subject can; and it shares nothing
/// with that but the names of results.
struct ReferenceMachine {
  /// One virtual processor.
  struct Processor {
    /// It is in integrity mode.
    var isInside = false
    var cr3: UInt64
    /// CR3 outside integrity mode.
    var outerCR3: UInt64
  }

  /// An alert, as far as it can be foretold.
  struct Alert: Equatable {
    var cause: AlertEvent.Cause
    var vcpu: Int
    var isInside: Bool
    var address: UInt64?
    var region: UInt64 = 0
    var actions: UInt64 = 7
    var size = 0
    var isBlocked = false
    var isSecondPageOnly = false
    var isDevice = false
    var detail: Int64 = 0
    /// The first bytes written, and those that they replace.
    var new: [UInt8] = []
    var old: [UInt8] = []
  }

  /// What becomes of an instruction.
  enum Outcome: Equatable {
    case done, blocked, stopped
    case value(UInt64)
    case answered(Int64)
    case fault(UInt8)
  }

  /// Where a byte of the guest lies, or the vector of what is raised instead.
  enum Place {
    case at(UInt64)
    case fault(UInt8)
  }

  /// What the driver has registered and donated, in page numbers.
  let code: Range<UInt64>
  let data: Range<UInt64>
  let nodes: Range<UInt64>
  let driverCR3: UInt64

  var words: [UInt64]
  var processors: [Processor]
  /// By page, the actions of each region that claims it.
  var claims: [UInt64: [UInt64: UInt64]] = [:]
  var alerts: [Alert] = []

  var pageCount: UInt64 { UInt64(words.count) / 512 }

  // MARK: Memory

  func byte(_ address: UInt64) -> UInt8 {
    UInt8(words[Int(address / 8)] / (1 << (address % 8 * 8)) % 256)
  }

  mutating func set(_ byte: UInt8, at address: UInt64) {
    let place = UInt64(1) << (address % 8 * 8)
    words[Int(address / 8)] -= UInt64(self.byte(address)) * place
    words[Int(address / 8)] += UInt64(byte) * place
  }

  // MARK: The guest's paging

  enum Kind { case read, write, fetch }

  /// Four levels of entries: present; writes need R/W in all, user-mode accesses U/S in all, fetches XD in none (CR0.WP and NXE are 1).
  func translate(_ linear: UInt64, _ kind: Kind, user: Bool, on vcpu: Int) -> Place {
    let upper = linear / (1 << 47)
    if upper != 0 && upper != (1 << 17) - 1 { return .fault(13) }
    var table = processors[vcpu].cr3 / 4096 % (1 << 40) * 4096
    var (writable, forUsers, executable) = (true, true, true)
    for level in [4, 3, 2, 1] as [UInt64] {
      let size = UInt64(1) << (12 + 9 * (level - 1))
      let entry = words[Int((table + linear / size % 512 * 8) / 8)]
      if entry % 2 == 0 { return .fault(14) }
      if entry / 2 % 2 == 0 { writable = false }
      if entry / 4 % 2 == 0 { forUsers = false }
      if entry / (1 << 63) == 1 { executable = false }
      let address = entry % (1 << 52) / 4096 * 4096
      let isLeaf = level == 1 || (level < 4 && entry / 128 % 2 == 1)
      guard isLeaf else {
        table = address
        continue
      }
      let isDenied = (user && !forUsers) || (kind == .write && !writable) || (kind == .fetch && !executable)
      return isDenied ? .fault(14) : .at(address / size * size + linear % size)
    }
    return .fault(14)
  }

  // MARK: What is monitored

  /// What a page is, and what is to be done about a write to it.
  struct Status {
    var cause: AlertEvent.Cause
    var actions: UInt64
    var region: UInt64
  }

  func status(_ page: UInt64) -> Status? {
    // Count, log, notify, and do not perform the write.
    let blocking: UInt64 = 15
    if code.contains(page) { return Status(cause: .giCode, actions: blocking, region: 0) }
    if data.contains(page) { return Status(cause: .giData, actions: blocking, region: 0) }
    if nodes.contains(page) { return Status(cause: .treePage, actions: blocking, region: 0) }
    guard let owners = claims[page], let lowest = owners.keys.min() else { return nil }
    return Status(cause: .protectedPage, actions: owners.values.reduce(0) { $0 | $1 }, region: lowest)
  }

  /// The driver's own pages, written by it in integrity mode.
  private func isOwn(_ page: UInt64, on vcpu: Int?) -> Bool {
    guard let vcpu, processors[vcpu].isInside else { return false }
    return data.contains(page) || nodes.contains(page)
  }

  // MARK: Stores

  /// A store of bytes that lie in one page or two, already translated; by a device if there is no processor that makes it.
  mutating func store(_ bytes: [UInt8], at first: UInt64, and second: UInt64?, on vcpu: Int?, poster: Int) -> Outcome {
    let low = min(bytes.count, 4096 - Int(first % 4096))
    let addresses = bytes.indices.map { index in
      index < low ? first + UInt64(index) : (second ?? 0) + UInt64(index - low)
    }
    let pages = [first / 4096] + (second.map { [$0 / 4096] } ?? [])
    let monitored = pages.map { isOwn($0, on: vcpu) ? nil : status($0) }
    if let status = monitored.compactMap({ $0 }).first {
      let actions = monitored.compactMap { $0?.actions }.reduce(0) { $0 | $1 }
      let isBlocked = actions & 24 != 0
      alerts.append(
        Alert(
          cause: status.cause, vcpu: poster, isInside: vcpu.map { processors[$0].isInside } ?? false, address: first,
          region: status.region, actions: actions, size: bytes.count, isBlocked: isBlocked,
          isSecondPageOnly: monitored[0] == nil, isDevice: vcpu == nil, new: Array(bytes.prefix(16)),
          old: addresses.prefix(16).map(byte)))
      if !isBlocked { write(bytes, to: addresses) }
      if actions & 32 != 0 { return .stopped }
      if actions & 16 != 0 { return .fault(13) }
      return isBlocked ? .blocked : .done
    }
    write(bytes, to: addresses)
    return .done
  }

  private mutating func write(_ bytes: [UInt8], to addresses: [UInt64]) {
    for (byte, address) in zip(bytes, addresses) { set(byte, at: address) }
  }

  // MARK: Integrity mode

  mutating func enter(_ vcpu: Int) {
    processors[vcpu].isInside = true
    processors[vcpu].cr3 = driverCR3
  }

  mutating func leave(_ vcpu: Int) {
    processors[vcpu].isInside = false
    processors[vcpu].cr3 = processors[vcpu].outerCR3
  }

  /// Integrity mode, if the processor is in it, ends with an alert.
  mutating func fault(_ reason: IntegrityFault, on vcpu: Int) {
    guard processors[vcpu].isInside else { return }
    alerts.append(Alert(cause: .integrityFault, vcpu: vcpu, isInside: true, detail: Int64(reason.rawValue)))
    leave(vcpu)
  }
}
