import Addresses
import SeededRandom
import Recordings

/// Paging of a small guest, all of it random: three processes on two vCPUs, a direct map of all memory in the kernel half,
/// user pages that come and go, tables on pages that are sometimes protected, and now and then a mapping that is missing or wrong.
struct RandomPaging {
  /// What the mappings of a trace say of their tables.
  enum Tables: CaseIterable { case unknown, known, mixed }

  private static let present: UInt64 = 1
  private static let directMap: UInt64 = 0xf_ffff_8880_0000_0
  private static let largeBit: UInt64 = 1 << 7
  private static let globalBit: UInt64 = 1 << 8
  private static let roots: [UInt64] = [1900, 401, 1901]

  private let tables: Tables
  /// Whether mappings are missing or wrong now and then.
  let isDefective: Bool
  /// Where tables lie: each by its root (0 for the kernel half), level and the linear addresses it spans.
  private var places: [[UInt64]: UInt64] = [:]
  /// What linear pages are mapped to, by root.
  private var mapped: [[UInt64]: UInt64] = [:]
  private var current: [UInt64?] = [nil, nil]
  private var cr4: [UInt64] = [0xa0, 0xa0]

  init(_ tables: Tables, isDefective: Bool) {
    self.tables = tables
    self.isDefective = isDefective
  }

  /// A load of CR3, now and then; the first one of a vCPU comes late.
  mutating func maybeLoad(on vcpu: Int, count: UInt64, _ random: inout SplitMix64) -> RecordedEvent? {
    guard Int.random(in: 0..<25, using: &random) == 0, let root = Self.roots.randomElement(using: &random) else {
      return nil
    }
    current[vcpu] = root
    return .cr3(RecordedEvent.CR3Load(vcpu: vcpu, count: count, value: root << 12 | 0x18))
  }

  /// A change of CR0, CR4 or EFER, now and then: what a guest does to drop global mappings, and paging off for a while.
  mutating func maybeControl(on vcpu: Int, count: UInt64, _ random: inout SplitMix64) -> RecordedEvent? {
    guard Int.random(in: 0..<40, using: &random) == 0 else { return nil }
    let change: (RecordedEvent.ControlRegister, UInt64)
    switch Int.random(in: 0..<6, using: &random) {
    case 0: change = (.cr0, Bool.random(using: &random) ? 0x8001_0033 : 0x33)
    case 1: change = (.cr0, 0x8001_0033)
    case 2: change = (.efer, 0xd01)
    default:
      // PGE, PCIDE and SMEP.
      cr4[vcpu] ^= [0x80, 0x80, 0x2_0000, 0x10_0000].randomElement(using: &random)!
      change = (.cr4, cr4[vcpu])
    }
    return .control(RecordedEvent.ControlChange(vcpu: vcpu, count: count, register: change.0, value: change.1))
  }

  /// A linear page for a store to a guest page; `after` names the one that follows in linear memory, and where it is.
  mutating func linearPage(
    of page: UInt64, after: UInt64?, on vcpu: Int, count: UInt64, _ random: inout SplitMix64
  ) -> (page: UInt64, events: [RecordedEvent]) {
    guard let root = current[vcpu] else { return (page, []) }
    let isKernel = Int.random(in: 0..<4, using: &random) != 0
    let linear =
      isKernel
      ? Self.directMap + page
      : [0x400, 0x7_ffff_fff0 - 40].randomElement(using: &random)! + UInt64.random(in: 0..<40, using: &random)
    var events: [RecordedEvent] = []
    for (linear, page) in [(linear, page)] + (after.map { [(linear + 1, $0)] } ?? []) {
      let key = [isKernel ? 0 : root, linear]
      let isOwed = mapped[key] != page
      guard isOwed || Int.random(in: 0..<40, using: &random) == 0 else { continue }
      if isDefective, Int.random(in: 0..<60, using: &random) == 0 { continue }
      mapped[key] = page
      events.append(mapping(linear, page, root, isKernel, vcpu, count, &random))
    }
    return (linear, events)
  }

  private mutating func mapping(
    _ linear: UInt64, _ page: UInt64, _ root: UInt64, _ isKernel: Bool, _ vcpu: Int, _ count: UInt64,
    _ random: inout SplitMix64
  ) -> RecordedEvent {
    // Present and writable, accessed and dirty as it comes.
    var entry = Self.present | 2 | (isKernel ? Self.globalBit : 4) | UInt64.random(in: 0...3, using: &random) << 5
    let isLarge = linear == Self.directMap + page && Int.random(in: 0...2, using: &random) == 0
    if isLarge { entry |= Self.largeBit }
    let isWrong = isDefective && Int.random(in: 0..<50, using: &random) == 0
    entry |= (isLarge ? page & ~511 : isWrong ? UInt64.random(in: 0..<3000, using: &random) : page) << 12
    let isTold = tables == .known || tables == .mixed && Bool.random(using: &random)
    return .map(
      RecordedEvent.LinearMapping(
        vcpu: vcpu, count: count, cr3: root << 12, linear: GuestLinearAddress((isLarge ? linear & ~511 : linear) << 12),
        pageShift: isLarge ? 21 : 12, entry: entry,
        tables: isTold ? above(linear, isKernel ? 0 : root, isLarge: isLarge, &random) : nil))
  }

  private mutating func above(
    _ linear: UInt64, _ root: UInt64, isLarge: Bool, _ random: inout SplitMix64
  ) -> RecordedEvent.TableEntries {
    func entry(_ shift: UInt64) -> UInt64 {
      let key = [root, shift, linear >> shift]
      // Some among the pages that a region claims, some not; pages taken down go to another place.
      let place = places[key] ?? UInt64(places.count % 2 == 0 ? 402 : 1902) + UInt64(places.count / 2)
      places[key] = place
      return place << 12 | 7 | UInt64.random(in: 0...1, using: &random) << 5
    }
    return RecordedEvent.TableEntries(pml4e: entry(27), pdpte: entry(18), pde: isLarge ? 0 : entry(9))
  }
}
