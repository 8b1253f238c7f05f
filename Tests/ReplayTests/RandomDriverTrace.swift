import Addresses
import GuestIntegrity
import SeededRandom
import Recordings

/// A small trace with a GI driver at work in it, all of it random: windows of integrity mode on either vCPU, ranges that come
/// and go, stores everywhere, calls that must be refused.
struct RandomDriverTrace {
  static let ramPages: UInt64 = 2048
  static let code = PageRange(page: GuestPageNumber(100))
  static let data = PageRange(first: GuestPageNumber(101), count: 6)!
  static let nodes = PageRange(first: GuestPageNumber(110), count: 40)!
  /// Regions: whole pages, a few bytes, and one (4) that no list mentions.
  static let regions = [
    RecordingDescription.Region(id: 1, name: "pages", gpa: 200 << 12, bytes: 24 << 12),
    RecordingDescription.Region(id: 2, name: "bytes", gpa: 300 << 12 | 0x7e8, bytes: 40),
    RecordingDescription.Region(id: 2, name: "bytes", gpa: 302 << 12 | 0xff0, bytes: 0x20),
    RecordingDescription.Region(id: 3, name: "many", gpa: 1000 << 12, bytes: 700 << 12),
  ]
  private static let codeLinear: UInt64 = 0xffff_ffff_a000_0000
  private static let entry: UInt64 = 0x40
  private static let exit: UInt64 = 0x80

  private var random: SplitMix64
  private let writer: RecordingWriter
  private var counts: [UInt64] = [0, 0]
  private var inWindow = [false, false]
  private var hot: [UInt64] = []
  /// The guest's own paging; without it linear and guest-physical addresses are the same.
  private var paging: RandomPaging?
  /// Loads and fetches stand among the stores.
  private var hasAccesses = false

  /// Writes the trace of this seed.
  static func write(
    to path: String, seed: UInt64, steps: Int = 160, paging: RandomPaging? = nil, accesses: Bool = false
  )
    throws
  {
    var trace = try RandomDriverTrace(path: path, seed: seed, hasAccesses: accesses)
    trace.paging = paging
    try trace.run(steps: steps)
    _ = try trace.writer.finish()
  }

  private init(path: String, seed: UInt64, hasAccesses: Bool) throws {
    self.hasAccesses = hasAccesses
    random = SplitMix64(seed: seed)
    var description = RecordingDescription(
      title: "random driver, seed \(seed)", origin: .synthetic,
      guest: .init(ramBytes: Self.ramPages << 12, vcpus: 2), recorder: .init(name: "tests"))
    description.regions = Self.regions
    // Small blocks: what reaches from one into the next must be right too.
    writer = try RecordingWriter(
      path: path, description: description,
      options: .init(
        columns: hasAccesses ? [.linearPages, .loads, .fetches] : .linearPages, level: 1, runsPerBlock: 97,
        accessesPerBlock: 1000))
  }

  private mutating func run(steps: Int) throws {
    try stores(60)
    if chance(8) { try call(.enter, on: 0, at: Self.entry) }
    try call(
      .initialise, on: 0, at: 0x10, PackedRange(Self.code)!.rawValue, PackedRange(Self.data)!.rawValue,
      Self.codeLinear | Self.entry, Self.codeLinear | Self.exit)
    try window(on: 0) { trace in
      try trace.call(.donateNode, on: 0, at: 0x20, Self.nodes.first.rawValue, Self.nodes.count)
    }
    for _ in 0..<steps {
      let vcpu = Int.random(in: 0...1, using: &random)
      switch Int.random(in: 0..<20, using: &random) {
      case 0...6: try stores(Int.random(in: 1...120, using: &random))
      case 7: try sweep()
      case 8...11: try stores(Int.random(in: 1...9, using: &random), on: Self.data)
      case 12: try stores(2, on: Self.nodes)
      case 13: try call(.query, on: vcpu, at: 0x30, 200)
      // From outside a window: refused.
      case 14: try call(.protect, on: vcpu, at: 0x30, 250, 4, 1, 1)
      // From elsewhere than the gate: refused.
      case 15: try call(.enter, on: vcpu, at: 0x44)
      default: try window(on: vcpu) { try $0.change(on: vcpu) }
      }
    }
    try stores(30)
  }

  private mutating func chance(_ n: Int) -> Bool { Int.random(in: 0..<n, using: &random) == 0 }

  private mutating func window(on vcpu: Int, _ body: (inout Self) throws -> Void) throws {
    let wasInside = inWindow[vcpu]
    if !wasInside { try call(.enter, on: vcpu, at: Self.entry) }
    inWindow[vcpu] = true
    try stores(Int.random(in: 0...6, using: &random), on: Self.data)
    try body(&self)
    // Some windows stay open while the other vCPU goes on.
    if chance(4) { return }
    try call(.exit, on: vcpu, at: Self.exit)
    inWindow[vcpu] = false
  }

  private mutating func change(on vcpu: Int) throws {
    let region = UInt64.random(in: 1...4, using: &random)
    let range: (first: UInt64, count: UInt64) =
      switch region {
      case 1: (200 + UInt64.random(in: 0..<20, using: &random), UInt64.random(in: 1...4, using: &random))
      case 2: (300, 4)
      case 3: (1000, UInt64.random(in: 500...700, using: &random))
      default: (400 + UInt64.random(in: 0..<8, using: &random), UInt64.random(in: 1...8, using: &random))
      }
    switch Int.random(in: 0..<6, using: &random) {
    case 0: try call(.unprotect, on: vcpu, at: 0x30, range.first, range.count, 0, chance(3) ? 0 : region)
    case 1:
      try call(
        .setAction, on: vcpu, at: 0x30, range.first, range.count, UInt64.random(in: 0...15, using: &random), region)
    default:
      try call(
        .protect, on: vcpu, at: 0x30, range.first, range.count, UInt64.random(in: 0...15, using: &random), region)
    }
  }

  private mutating func call(
    _ number: HypercallNumber, on vcpu: Int, at offset: UInt64, _ rdi: UInt64 = 0, _ rsi: UInt64 = 0, _ rdx: UInt64 = 0,
    _ r10: UInt64 = 0
  ) throws {
    counts[vcpu] += 1
    try writer.event(
      .hypercall(
        RecordedEvent.Hypercall(
          vcpu: vcpu, count: counts[vcpu], number: number.rawValue,
          arguments: .init(rdi: rdi, rsi: rsi, rdx: rdx, r10: r10),
          rip: GuestLinearAddress(Self.codeLinear | offset),
          ripAddress: GuestPhysicalAddress(Self.code.first.address.rawValue | offset), rflags: 2, cpl: 0, cr3: 0x1000)))
  }

  /// Stores to a few hot pages, to monitored ones, and anywhere.
  private mutating func stores(_ count: Int) throws {
    if hot.isEmpty || chance(5) {
      hot = (0..<Int.random(in: 2...40, using: &random)).map { _ in
        UInt64.random(in: 0..<Self.ramPages - 1, using: &random)
      }
    }
    for _ in 0..<count {
      let page: UInt64 =
        switch Int.random(in: 0..<16, using: &random) {
        case 0: 200 + UInt64.random(in: 0..<28, using: &random)
        case 1: 299 + UInt64.random(in: 0..<6, using: &random)
        case 2: UInt64.random(in: 98..<115, using: &random)
        case 3: UInt64.random(in: 0..<Self.ramPages - 1, using: &random)
        case 4: 400 + UInt64.random(in: 0..<20, using: &random)
        default: hot[Int.random(in: 0..<hot.count, using: &random)]
        }
      try store(page, vcpu: chance(6) ? 1 : 0)
    }
  }

  private mutating func stores(_ count: Int, on range: PageRange) throws {
    for _ in 0..<count {
      try store(
        UInt64.random(in: range.first.rawValue...range.last.rawValue, using: &random),
        vcpu: Int.random(in: 0...1, using: &random))
    }
  }

  /// More pages than a page-modification log holds.
  private mutating func sweep() throws {
    let vcpu = Int.random(in: 0...1, using: &random)
    for page in 1000..<1700 as Range<UInt64> { try store(page, vcpu: vcpu) }
  }

  /// Loads and fetches: of the page that is about to be stored to, of hot pages, of monitored ones, of GI code, of any. In a window
  /// foreign code is rare.
  private mutating func others(beside page: UInt64, vcpu: Int) throws {
    guard hasAccesses, !chance(3) else { return }
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      let isFetch = chance(3)
      let target: UInt64 =
        switch Int.random(in: 0..<(isFetch && inWindow[vcpu] ? 40 : 8), using: &random) {
        case 0: page
        case 1: 200 + UInt64.random(in: 0..<28, using: &random)
        case 2: UInt64.random(in: 0..<Self.ramPages - 1, using: &random)
        case 3, 4: hot.randomElement(using: &random) ?? page
        case 5: UInt64.random(in: 98..<115, using: &random)
        default: Self.code.first.rawValue
        }
      let linear = try linearPage(of: target, after: nil, vcpu: vcpu)
      try writer.accesses(
        .init(
          kind: isFetch ? .fetch : .load, vcpu: vcpu, count: counts[vcpu], page: GuestPageNumber(target),
          linearPage: linear & (1 << 52 - 1), accesses: Int.random(in: 1...3, using: &random)))
    }
  }

  /// The linear page by which a guest page is accessed, behind the events that this takes.
  private mutating func linearPage(of page: UInt64, after: UInt64?, vcpu: Int) throws -> UInt64 {
    let way = paging?.linearPage(of: page, after: after, on: vcpu, count: counts[vcpu], &random)
    for event in way?.events ?? [] { try writer.event(event) }
    return way?.page ?? page
  }

  private mutating func store(_ page: UInt64, vcpu: Int) throws {
    try others(beside: page, vcpu: vcpu)
    counts[vcpu] += UInt64.random(in: 1...5, using: &random)
    let size = [1, 4, 8, 8, 8, 16, 64][Int.random(in: 0..<7, using: &random)]
    let offset =
      switch Int.random(in: 0..<8, using: &random) {
      case 0: UInt64(4096 - size / 2)
      case 1: 0x7e0 + UInt64.random(in: 0..<32, using: &random)
      default: UInt64.random(in: 0..<4096, using: &random)
      }
    let gpa = page << 12 | offset
    // The page that follows in linear memory may lie elsewhere.
    let rest: GuestPageNumber? = chance(3) ? GuestPageNumber(UInt64.random(in: 0..<Self.ramPages, using: &random)) : nil
    var linear = page
    if paging != nil {
      if let load = paging?.maybeLoad(on: vcpu, count: counts[vcpu], &random) { try writer.event(load) }
      if hasAccesses, let change = paging?.maybeControl(on: vcpu, count: counts[vcpu], &random) {
        try writer.event(change)
      }
      let after = offset + UInt64(size) > 4096 ? rest?.rawValue ?? page + 1 : nil
      linear = try linearPage(of: page, after: after, vcpu: vcpu)
    }
    try writer.write(
      vcpu: vcpu, count: counts[vcpu], gpa: GuestPhysicalAddress(gpa),
      gva: GuestLinearAddress(linear << 12 | offset), size: size, rest: rest)
  }
}
