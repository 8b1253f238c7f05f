import Addresses

/// Holds a trace against what every recording must satisfy: its own totals, order, ranges, ground truth, legal hypercalls.
///
/// Damage to the file is an error of the reader and is thrown. What is found here is well-formed and nevertheless wrong.
public struct RecordingCheck {
  /// Something that does not hold.
  public struct Finding: Hashable, Sendable, CustomStringConvertible {
    /// Which invariant.
    public var invariant: Invariant
    /// One clause that says where, what was found, and what was expected.
    public var description: String
  }

  /// What is checked.
  public enum Invariant: String, CaseIterable, Sendable {
    /// The header's totals are those of the records.
    case totals
    /// Instruction counts of a vCPU never go back, and end where the header says.
    case order
    /// Pages, regions and symbols lie in guest memory.
    case ranges
    /// Mappings are aligned and present, CR3 values are addresses.
    case tables
    /// In a trace with mappings and linear pages: every store reaches its page by the mappings before it, and events name the CR3
    /// that was loaded last.
    case translations
    /// Every mark has a name, and every name of an attack's mark a mark.
    case marks
    /// Every act of the ground truth is in the records, behind its mark.
    case groundTruth = "ground-truth"
    /// The driver's hypercalls come in a legal order.
    case hypercalls
  }

  /// The most findings of one invariant that are listed; more are counted in a last one.
  private static let most = 5

  private let header: RecordingHeader
  private let namedMarks: Set<UInt64>
  private var found: [Invariant: [String]] = [:]
  private var suppressed: [Invariant: Int] = [:]
  private var totals = RecordingHeader.Totals()
  private let pages = PageSet()
  private var lastCounts: [UInt64]
  private var truth: GroundTruthCheck
  private var sequence: HypercallSequence
  private var translations: TranslationCheck?

  private init(_ header: RecordingHeader) {
    self.header = header
    namedMarks = Set(header.recording.marks.map(\.id))
    lastCounts = [UInt64](repeating: 0, count: header.totals.vcpus)
    totals.loads = header.totals.loads.map { _ in .init() }
    totals.fetches = header.totals.fetches.map { _ in .init() }
    truth = GroundTruthCheck(header.recording)
    sequence = HypercallSequence(vcpus: header.totals.vcpus)
    if header.totals.maps > 0, header.columnSet.contains(.linearPages), header.recording.addresses == .guestPhysical {
      translations = TranslationCheck(vcpus: header.totals.vcpus)
    }
  }

  /// Decodes every column of every block, and answers what does not hold; nothing for a sound trace.
  public static func findings(in reader: RecordingReader) throws(RecordingError) -> [Finding] {
    var check = RecordingCheck(reader.header)
    check.checkDescription()
    let block = RecordingBlock()
    for number in reader.blocks.indices {
      try reader.read(block: number, columns: reader.header.columnSet, into: block)
      try check.take(block, number: number)
    }
    check.finish(salvaged: reader.isSalvaged)
    return Invariant.allCases.flatMap { invariant in
      let texts = check.found[invariant, default: []]
      let more = check.suppressed[invariant].map { ["and \($0) more like these"] } ?? []
      return (texts + more).map { Finding(invariant: invariant, description: $0) }
    }
  }

  private mutating func report(_ invariant: Invariant, _ text: String) {
    if found[invariant, default: []].count < Self.most {
      found[invariant, default: []].append(text)
    } else {
      suppressed[invariant, default: 0] += 1
    }
  }

  // MARK: - The header by itself

  private mutating func checkDescription() {
    let recording = header.recording
    if let ram = recording.guest.ramBytes {
      for region in recording.regions where !Self.lies(region.gpa, region.bytes, in: ram) {
        report(.ranges, "region \(region.name) at \(hex(region.gpa)), expected in \(ram) bytes of memory")
      }
      for symbol in recording.symbols where !Self.lies(symbol.gpa, max(symbol.size, 1), in: ram) {
        report(.ranges, "symbol \(symbol.name) at \(hex(symbol.gpa)), expected in \(ram) bytes of memory")
      }
      if recording.addresses == .guestPhysical, header.totals.pageLimit > (ram + 4095) >> 12 {
        report(.ranges, "stores up to page \(header.totals.pageLimit - 1), expected in \(ram) bytes of memory")
      }
    }
    for region in recording.regions where region.bytes == 0 {
      report(.ranges, "region \(region.name) of no bytes, expected at least one")
    }
    if namedMarks.count != recording.marks.count {
      report(.marks, "an id with two names, expected one name for each mark")
    }
  }

  private static func lies(_ gpa: UInt64, _ bytes: UInt64, in ram: UInt64) -> Bool {
    bytes <= ram && gpa <= ram - bytes
  }

  // MARK: - Blocks

  private mutating func take(_ block: RecordingBlock, number: Int) throws(RecordingError) {
    var event = 0
    var cursor = AccessCursor(block, hasLinear: header.columnSet.contains(.linearPages))
    func takeAccesses(upTo place: Int) {
      while let next = cursor.next(upTo: place) { take(next) { "before record \(place) of block \(number)" } }
    }
    for run in block.runs.indices {
      while event < block.events.count, block.events[event].run <= run {
        takeAccesses(upTo: run + event)
        take(block.events[event].event)
        event += 1
      }
      takeAccesses(upTo: run + event)
      try take(run, of: block, number: number)
    }
    for placed in block.events[event...] {
      takeAccesses(upTo: block.runs.count + event)
      take(placed.event)
      event += 1
    }
    takeAccesses(upTo: .max)
    for entry in block.loads { totals.loads?.count(entry.run) }
    for entry in block.fetches { totals.fetches?.count(entry.run) }
  }

  /// Accesses stand behind what they came before at most, so that their counts are held against their own kind and the end.
  private mutating func take(_ accesses: RecordedAccesses, _ place: () -> String) {
    let kind = accesses.kind.rawValue
    totals.pageLimit = max(totals.pageLimit, accesses.page.rawValue + 1)
    if accesses.count > header.totals.instructions[accesses.vcpu] {
      report(
        .order,
        "a \(kind) at instruction \(accesses.count) of vCPU \(accesses.vcpu), expected "
          + "\(header.totals.instructions[accesses.vcpu]) at most as the header says")
    }
    guard let linear = accesses.linearPage,
      translations?.explains(linear, to: accesses.page.rawValue, vcpu: accesses.vcpu) == false
    else { return }
    report(
      .translations,
      "\(place()) a \(kind) from page \(hex(accesses.page.rawValue)) by linear page \(hex(linear)), "
        + "expected a mapping to it before")
  }

  private mutating func take(_ run: Int, of block: RecordingBlock, number: Int) throws(RecordingError) {
    let word = block.runs[run]
    totals.runs += 1
    totals.accesses += UInt64(word.accesses)
    totals.writes += UInt64(word.writes)
    pages.insert(word.page.rawValue)
    totals.pageLimit = max(totals.pageLimit, word.page.rawValue + 1)
    if translations != nil { checkTranslation(block.linearPages[run], word) { "run \(run) of block \(number)" } }
    let accesses = try block.accesses(ofRun: run)
    var count = block.clocks[run]
    checkOrder(word.vcpu, count) { "run \(run) of block \(number)" }
    for index in accesses.indices {
      totals.bytes += UInt64(accesses[index].size)
      if index > 0, block.loaded.contains(.steps) { count &+= block.step(accesses.first - run + index - 1) }
    }
    lastCounts[word.vcpu] = max(lastCounts[word.vcpu], count)
    if truth.isAwaiting(page: word.page.rawValue) {
      for index in accesses.indices { truth.store(accesses.address(index).rawValue, accesses[index].size) }
    }
  }

  private mutating func checkOrder(_ vcpu: Int, _ count: UInt64, _ place: () -> String) {
    if count < lastCounts[vcpu] {
      report(.order, "\(place()) at instruction \(count) of vCPU \(vcpu), expected \(lastCounts[vcpu]) or later")
    }
    lastCounts[vcpu] = max(lastCounts[vcpu], count)
  }

  private mutating func checkTranslation(_ linear: UInt64, _ run: Run, _ place: () -> String) {
    if translations?.explains(linear, to: run.page.rawValue, vcpu: run.vcpu) == false {
      report(
        .translations,
        "\(place()) stores to page \(hex(run.page.rawValue)) by linear page \(hex(linear)), "
          + "expected a mapping to it before")
    }
  }

  private mutating func checkRoot(_ cr3: UInt64, _ event: RecordedEvent) {
    if let loaded = translations?.disagreement(of: cr3, vcpu: event.vcpu) {
      report(
        .translations,
        "CR3 \(hex(cr3)) at instruction \(event.count) of vCPU \(event.vcpu), expected \(hex(loaded)), loaded last"
      )
    }
  }

  private mutating func take(_ event: RecordedEvent) {
    checkOrder(event.vcpu, event.count) { "an event" }
    totals.count(event)
    switch event {
    case .hypercall(let call):
      checkRoot(call.cr3, event)
      if truth.hypercall(call) {
        sequence.takeAttack(call)
      } else if let flaw = sequence.take(call) {
        report(.hypercalls, flaw)
      }
    case .cr3(let load):
      translations?.take(load)
      if load.value >> 63 == 0, load.value >> 52 != 0 {
        report(.tables, "CR3 \(hex(load.value)), expected a page below 2^52")
      }
    case .map(let map):
      checkRoot(map.cr3, event)
      translations?.take(map)
      let size: UInt64 = 1 << UInt64(map.pageShift)
      if map.linear.rawValue & (size - 1) != 0 {
        report(.tables, "a mapping of \(hex(map.linear.rawValue)), expected a multiple of \(size)")
      }
      let above = map.tables.map { [$0.pml4e, $0.pdpte, $0.pde].prefix(4 - (map.pageShift - 3) / 9) } ?? []
      for entry in above where entry & 1 == 0 {
        report(.tables, "a mapping below entry \(hex(entry)) that is not present, expected bit 0 set")
      }
      if map.entry & 1 == 0 { report(.tables, "entry \(hex(map.entry)) that is not present, expected bit 0 set") }
    case .mark(let mark):
      if !namedMarks.contains(mark.id) {
        report(.marks, "mark \(mark.id) without a name, expected one in the header")
      }
      truth.mark(mark.id).forEach { report(.groundTruth, $0) }
    case .halt: break
    case .control(let change):
      if change.register == .cr0, change.value >> 32 != 0 {
        report(.tables, "CR0 \(hex(change.value)), expected 32 bits")
      }
    }
  }

  // MARK: - The end

  private mutating func finish(salvaged: Bool) {
    truth.finish().forEach { report(.groundTruth, $0) }
    // What was salvaged is a part, and the totals are those of the whole.
    if salvaged { return }
    let header = header.totals
    let counted: [(String, UInt64, UInt64)] = [
      ("writes", totals.writes, header.writes), ("accesses", totals.accesses, header.accesses),
      ("runs", totals.runs, header.runs), ("pages", pages.count, header.pages),
      ("page limit", totals.pageLimit, header.pageLimit), ("bytes", totals.bytes, header.bytes),
      ("hypercalls", totals.hypercalls, header.hypercalls), ("CR3 loads", totals.cr3Loads, header.cr3Loads),
      ("mappings", totals.maps, header.maps), ("marks", totals.marks, header.marks),
      ("halts", totals.halts ?? 0, header.halts ?? 0),
      ("changes of control registers", totals.controlChanges ?? 0, header.controlChanges ?? 0),
      ("loads", totals.loads?.accesses ?? 0, header.loads?.accesses ?? 0),
      ("runs of loads", totals.loads?.runs ?? 0, header.loads?.runs ?? 0),
      ("fetches", totals.fetches?.accesses ?? 0, header.fetches?.accesses ?? 0),
      ("runs of fetches", totals.fetches?.runs ?? 0, header.fetches?.runs ?? 0),
    ]
    for (name, has, says) in counted where has != says {
      report(.totals, "\(has) \(name) in the records, expected \(says) as the header says")
    }
    for vcpu in lastCounts.indices where lastCounts[vcpu] > header.instructions[vcpu] {
      report(
        .order,
        "vCPU \(vcpu) at instruction \(lastCounts[vcpu]), expected \(header.instructions[vcpu]) at most as the header says"
      )
    }
  }
}
