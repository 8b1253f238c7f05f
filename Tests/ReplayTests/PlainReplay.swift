import Addresses
import EPT
import GuestIntegrity
import MonitorTree
import Recordings

@testable import Replay

/// The replay as one would write it down first: every access of every run looks into plain lists, in order; nothing is
/// skipped, shared or packed. Hypervisor and MMU are the real ones.
final class PlainReplay {
  private(set) var counts: [Event: UInt64] = [:]
  private(set) var notified: [UInt64] = []
  private(set) var kinds: [PageKind: UInt64] = [:]
  private(set) var falseShare: UInt64 = 0
  private(set) var lateness: [UInt64] = []

  /// Notified updates of the walker, as (store, entry).
  private(set) var updates: [(store: UInt64, entry: UInt64)] = []

  private let hypervisor: Hypervisor<PlainProcessors>
  /// In two dimensions: the tables, the roots in force, and every mapping so far.
  private var tables: GuestTables?
  private var mappings: [RecordedEvent.LinearMapping] = []
  /// The last mapping of each page, as (page size, page number).
  private var lastMapping: [[UInt64]: Int] = [:]
  /// The last mapping of less than 2 MiB in each region, and the last of more.
  private var lastSmall: [UInt64: Int] = [:]
  private var lastLarge: [[UInt64]: Int] = [:]
  /// Guest regions of 2 MiB that hypercalls have named.
  private var named: Set<UInt64> = []
  private let regions: [RecordingDescription.Region]
  /// Region ids that claim a page.
  private var claims: [UInt64: Set<UInt64>] = [:]
  /// What the logs hold: number and count of the store, and whether it touched a protected byte.
  private var logs: [[(store: UInt64, clock: UInt64, touches: Bool, table: GuestPageNumber?)]]

  /// Hits and starts of walks that maximal caches had too, and what they had not; only where that was asked for.
  var included: Int { hypervisor.processors.included }
  var excluded: [String] { hypervisor.processors.excluded }

  init(
    _ strategy: Strategy, _ reader: RecordingReader, geometry: CacheGeometry, dimensions: Dimensions,
    watchesInclusion: Bool = false, upTo accesses: Int = .max
  ) throws {
    let totals = reader.header.totals
    regions = reader.header.recording.regions
    logs = (0..<totals.vcpus).map { _ in [] }
    var configuration = Configuration(strategy.mechanism)
    configuration.recordsOldBytes = false
    configuration.guestIsRecorded = true
    for region in regions {
      configuration.regionBytes[RegionID(UInt16(region.id)), default: []].append(region.gpa..<region.gpa + region.bytes)
    }
    let recorded =
      ((max(reader.header.recording.guest.ramBytes ?? 0, totals.pageLimit << 12) + 0x1f_ffff) & ~0x1f_ffff) >> 12
    let ram = (recorded + (dimensions == .two ? GuestTables.sparePages(besides: recorded) : 0)) << 12
    let memory = HostMemory(byteCount: Hypervisor<PlainProcessors>.hostBytes(ramBytes: ram))!
    hypervisor = try Hypervisor(
      memory: memory, ramBytes: ram, vcpus: totals.vcpus, configuration: configuration,
      processors: PlainProcessors(memory: memory.memory, vcpus: totals.vcpus, geometry: geometry))
    for vcpu in 0..<totals.vcpus { hypervisor.configure(&hypervisor.processors.machines[vcpu], for: vcpu) }
    if dimensions == .two {
      tables = GuestTables(memory: memory.memory, recordedPages: recorded, pages: ram >> 12)
      for vcpu in 0..<totals.vcpus { hypervisor.processors.machines[vcpu].policies.guestFlags = .before }
    }
    for set in TableSet.allCases { hypervisor.processors.sets.append((hypervisor.eptp(of: set), set)) }
    if watchesInclusion { hypervisor.processors.watchInclusion() }
    try run(reader, upTo: accesses)
  }

  private func run(_ reader: RecordingReader, upTo limit: Int) throws {
    let block = RecordingBlock()
    let columns = reader.header.columnSet.intersection(.ofVersion2).union([.runs, .events, .places, .clocks])
    var made = 0
    for (number, header) in reader.blocks.enumerated() where made < limit {
      try reader.read(block: number, columns: tables == nil ? columns : columns.union(.linearPages), into: block)
      var events = block.events[...]
      var store = header.firstWrite
      var judgedWhole: Int?
      var others = Self.others(of: block)[...]
      /// What is loaded and fetched before a run, with so many of the block's events left.
      func makeOthers(before run: Int, eventsLeft: Int) {
        let done = block.events.count - eventsLeft
        while let next = others.first, next.entry.beforeRun <= run, next.entry.beforeEvent <= done {
          make(next.kind, next.entry, store: store)
          others.removeFirst()
        }
      }
      for index in block.runs.indices {
        while let event = events.first, event.run <= index {
          makeOthers(before: index, eventsLeft: events.count)
          apply(event.event)
          events.removeFirst()
        }
        makeOthers(before: index, eventsLeft: events.count)
        let run = block.runs[index]
        if judgedWhole == index { continue }
        made += run.accesses
        for access in 0..<run.accesses {
          let number = run.isContinuation ? store - 1 : store + UInt64(access)
          if try perform(access, index, run, number, in: block) { judgedWhole = index + 1 }
        }
        store += UInt64(run.writes)
      }
      while let event = events.popFirst() {
        makeOthers(before: block.runs.count, eventsLeft: events.count + 1)
        apply(event.event)
      }
      makeOthers(before: block.runs.count, eventsLeft: 0)
    }
    for vcpu in logs.indices {
      let now = reader.header.totals.instructions[vcpu]
      hypervisor.drainModificationLog(of: vcpu, time: now)
      judgeLate(vcpu, now)
    }
    counts[.writes] = reader.header.totals.writes
    counts[.runs] = reader.header.totals.runs
    counts.merge(hypervisor.processors.counts) { $0 + $1 }
  }

  /// Loads and fetches in their order: behind as few runs and events as may be, fetches before loads.
  private static func others(of block: RecordingBlock) -> [(kind: RecordedAccessKind, entry: AccessRun)] {
    let all =
      block.fetches.map { (kind: RecordedAccessKind.fetch, entry: $0) }
      + block.loads.map { (kind: RecordedAccessKind.load, entry: $0) }
    func place(_ entry: AccessRun) -> UInt32 { entry.beforeRun + entry.beforeEvent }
    return all.enumerated().sorted {
      (place($0.element.entry), $0.offset) < (place($1.element.entry), $1.offset)
    }.map(\.element)
  }

  /// Makes the accesses of an entry, each by itself; `store` is the number of the next store.
  private func make(_ kind: RecordedAccessKind, _ entry: AccessRun, store: UInt64) {
    let vcpu = entry.run.vcpu
    let linear = tables == nil ? nil : linearPage(entry.linearPage, of: entry.run.page)
    for _ in 0..<entry.run.accesses {
      let request = GuestAccess(entry.run.page.address, kind == .load ? .dataRead : .codeFetch)
      attempts: while true {
        let made = hypervisor.processors.access(request, linear: linear, on: vcpu)
        for page in made.logged { logs[vcpu].append((store, entry.count, false, page)) }
        switch made.outcome {
        case .violation(let violation) where violation.isUpdate:
          hypervisor.processors.exit(.eptViolation, on: vcpu)
          if judgeUpdate(violation, store, on: vcpu) { continue }
        case .virtualizationException(let violation) where violation.isUpdate:
          hypervisor.processors.counts[.virtualizationExceptions, default: 0] += 1
          let isMade = judgeUpdate(violation, store, on: vcpu)
          hypervisor.processors.machines[vcpu].acknowledgeException()
          if isMade { continue }
        case .pmlFull:
          hypervisor.processors.exit(.modificationLogFull, on: vcpu)
          hypervisor.drainModificationLog(of: vcpu, time: entry.count)
          judgeLate(vcpu, entry.count)
          continue
        case .violation(let violation):
          hypervisor.processors.exit(.eptViolation, on: vcpu)
          if endsIntegrityMode(violation, kind, entry) { continue }
        case .virtualizationException(let violation):
          hypervisor.processors.counts[.virtualizationExceptions, default: 0] += 1
          let ends = endsIntegrityMode(violation, kind, entry)
          hypervisor.processors.machines[vcpu].acknowledgeException()
          if ends { continue }
        default: break
        }
        break attempts
      }
    }
  }

  /// Foreign code in integrity mode ends that mode; then the fetch is made.
  private func endsIntegrityMode(_ violation: EPTViolation, _ kind: RecordedAccessKind, _ entry: AccessRun) -> Bool {
    let vcpu = entry.run.vcpu
    guard kind == .fetch, hypervisor.activeSet(of: vcpu) != .normal else { return false }
    hypervisor.integrityFault(.foreignFetch, on: vcpu, address: violation.gpa, time: entry.count)
    judgeLate(vcpu, entry.count)
    return true
  }

  /// One access; true if the store was judged whole, with its second part.
  private func perform(_ access: Int, _ index: Int, _ run: Run, _ number: UInt64, in block: RecordingBlock) throws
    -> Bool
  {
    let accesses = try block.accesses(ofRun: index)
    let crosses = access == run.accesses - 1 && index + 1 < block.runs.count && block.runs[index + 1].isContinuation
    var kind = AccessKind.dataWrite
    if crosses || run.isContinuation { kind.formUnion(.noSubPage) }
    let request = GuestAccess(accesses.address(access), kind, byteCount: UInt16(accesses[access].size))
    let bytes = [(accesses.address(access).rawValue, UInt64(accesses[access].size))]
    while true {
      let made = hypervisor.processors.access(request, linear: linearPage(ofRun: index, in: block), on: run.vcpu)
      for page in made.logged {
        logs[run.vcpu].append(
          (number, block.clocks[index], touchesProtectedByte(bytes), page == run.page ? nil : page))
      }
      switch made.outcome {
      case .translated, nil: return false
      case .violation(let violation) where violation.isUpdate:
        hypervisor.processors.exit(.eptViolation, on: run.vcpu)
        if judgeUpdate(violation, number, on: run.vcpu) { continue }
        return false
      case .virtualizationException(let violation) where violation.isUpdate:
        hypervisor.processors.counts[.virtualizationExceptions, default: 0] += 1
        let isMade = judgeUpdate(violation, number, on: run.vcpu)
        hypervisor.processors.machines[run.vcpu].acknowledgeException()
        if isMade { continue }
        return false
      case .pmlFull:
        hypervisor.processors.exit(.modificationLogFull, on: run.vcpu)
        hypervisor.drainModificationLog(of: run.vcpu, time: block.clocks[index])
        judgeLate(run.vcpu, block.clocks[index])
        continue
      case .violation(let violation):
        hypervisor.processors.exit(.eptViolation, on: run.vcpu)
        try judge(violation, access, index, run, number, crosses, made.references, in: block)
        return crosses
      case .virtualizationException(let violation):
        hypervisor.processors.counts[.virtualizationExceptions, default: 0] += 1
        try judge(violation, access, index, run, number, crosses, made.references, in: block)
        hypervisor.processors.machines[run.vcpu].acknowledgeException()
        return crosses
      default: throw ReplayError("\(String(describing: made.outcome))")
      }
    }
  }

  private func judge(
    _ violation: EPTViolation, _ access: Int, _ index: Int, _ run: Run, _ number: UInt64, _ crosses: Bool,
    _ references: Int, in block: RecordingBlock
  ) throws {
    let accesses = try block.accesses(ofRun: index)
    var store = Store(vcpu: run.vcpu, address: accesses.address(access), size: accesses[access].size)
    var bytes = [(store.address.rawValue, UInt64(store.size))]
    if crosses {
      let second = try block.accesses(ofRun: index + 1)
      store.size += second[0].size
      store.secondPage = block.runs[index + 1].page
      bytes.append((second.address(0).rawValue, UInt64(second[0].size)))
      if tables != nil, try !walkSecondPage(index + 1, number, in: block) { return }
    }
    if hypervisor.configuration.mechanism.noticing.name == "outside-answer" { counts[.outsideAnswers, default: 0] += 1 }
    let verdict = hypervisor.handle(store, violation: violation)
    hypervisor.processors.treeNodesVisited(verdict.nodesVisited, on: run.vcpu)
    if verdict.isCompleted { complete(store, index, in: block) }
    guard verdict.isAlert else { return }
    count(verdict)
    notified.append(number)
    keep(verdict, touchesProtectedByte(bytes))
  }

  /// The processor's own store to a guest entry; true if it has been made.
  private func judgeUpdate(_ violation: EPTViolation, _ number: UInt64, on vcpu: Int) -> Bool {
    let store = Store(vcpu: vcpu, address: violation.access.gpa, size: 8, origin: .pageWalk)
    if hypervisor.configuration.mechanism.noticing.name == "outside-answer" { counts[.outsideAnswers, default: 0] += 1 }
    let verdict = hypervisor.handle(store, violation: violation)
    hypervisor.processors.treeNodesVisited(verdict.nodesVisited, on: vcpu)
    if verdict.isAlert {
      count(verdict)
      counts[.walkerUpdates, default: 0] += 1
      updates.append((number, violation.access.gpa.rawValue))
    }
    guard verdict.isCompleted else { return false }
    _ = hypervisor.processors.machines[vcpu].emulateFlagUpdate(at: violation.access.gpa)
    counts[.guestFlagUpdates, default: 0] += 1
    if hypervisor.configuration.mechanism.completion == .viewSwitch {
      hypervisor.openView(on: vcpu, by: .vmfunc)
      hypervisor.closeView(on: vcpu, by: .vmfunc)
    } else {
      counts[.emulatedStores, default: 0] += 1
    }
    return true
  }

  /// Sets the flags of the page that a store runs into; false if that is blocked.
  private func walkSecondPage(_ run: Int, _ number: UInt64, in block: RecordingBlock) throws -> Bool {
    let vcpu = block.runs[run].vcpu
    guard hypervisor.processors.caches[vcpu].root != nil, hypervisor.processors.isPaged(vcpu) else { return true }
    let page = linearPage(block.linearPages[run], of: block.runs[run].page)
    let set = hypervisor.processors.caches[vcpu].active
    while true {
      var path = PlainPath()
      let linear = GuestLinearAddress(block.linearPages[run] << 12)
      let before = hypervisor.processors.machines[vcpu].fields
      let outcome = hypervisor.processors.machines[vcpu].access(linear: linear, .write, user: false, &path)
      counts[.guestFlagUpdates, default: 0] += UInt64(path.flagUpdates)
      hypervisor.processors.forget(after: outcome, linear: linear.rawValue >> 12 & 0xf_ffff_ffff, on: vcpu)
      hypervisor.processors.forgetTables(of: linear, after: outcome, on: vcpu)
      let second = try block.accesses(ofRun: run)
      for page in hypervisor.processors.logged(since: before, on: vcpu) {
        let touches = touchesProtectedByte([(second.address(0).rawValue, UInt64(second[0].size))])
        logs[vcpu].append((number, block.clocks[run], touches, page == block.runs[run].page ? nil : page))
      }
      if case .pmlFull = outcome {
        hypervisor.drainModificationLog(of: vcpu, time: block.clocks[run])
        judgeLate(vcpu, block.clocks[run])
        continue
      }
      guard case .violation(let violation) = outcome else { return true }
      // What permits a store would have been used, and nothing walked.
      for key in page.keys(under: set)
      where hypervisor.processors.caches[vcpu].rights[key]?.contains(.store) == false {
        hypervisor.processors.dropTranslation(key, on: vcpu)
      }
      guard violation.isUpdate else { return true }
      guard judgeUpdate(violation, number, on: vcpu) else { return false }
    }
  }

  /// The linear page of a run; global if the last mapping that covers it is.
  private func linearPage(ofRun index: Int, in block: RecordingBlock) -> PlainLinearPage? {
    guard tables != nil else { return nil }
    return linearPage(block.linearPages[index], of: block.runs[index].page)
  }

  private func linearPage(_ page: UInt64, of guestPage: GuestPageNumber) -> PlainLinearPage {
    let last = [12, 21, 30].compactMap { lastMapping[[$0, page >> ($0 - 12)]] }.max()
    let large = [21, 30].compactMap { lastLarge[[$0, page >> ($0 - 12)]] }.max()
    let small = lastSmall[page >> 9]
    let isKernel = page >> 51 == 1
    return PlainLinearPage(
      number: page, isGlobal: last.map { mappings[$0].entry & 1 << 8 != 0 } ?? false,
      isOfLargePage: large.map { isKernel ? $0 > small ?? -1 : small == nil } ?? false
        && !named.contains(guestPage.rawValue >> 9))
  }

  private func complete(_ store: Store, _ index: Int, in block: RecordingBlock) {
    let completion = hypervisor.configuration.mechanism.completion
    if completion == .emulate || completion == .alreadyDone {
      counts[.emulatedStores, default: 0] += 1
    } else {
      let means: SwitchMeans = completion == .viewSwitch ? .vmfunc : .vmcsWrite
      hypervisor.openView(on: store.vcpu, by: means)
      for run in store.secondPage == nil ? [index] : [index, index + 1] {
        _ = hypervisor.processors.access(
          GuestAccess(block.runs[run].page.address, .dataWrite), linear: linearPage(ofRun: run, in: block),
          on: store.vcpu)
      }
      if completion == .singleStep { hypervisor.processors.exit(.monitorTrap, on: store.vcpu) }
      hypervisor.closeView(on: store.vcpu, by: means)
    }
  }

  /// An alert, and what its actions cost: a write that has been performed can be neither blocked nor replaced.
  private func count(_ verdict: Verdict, isLate: Bool = false) {
    counts[.alerts, default: 0] += 1
    let asked: AlertActions
    switch verdict.finding {
    case .alert(_, _, let actions): asked = actions
    case .corrupt(_, let actions): asked = actions
    case .notMine, .ownWrite: return
    }
    if asked.contains(.count) { counts[.countActions, default: 0] += 1 }
    if asked.contains(.log) { counts[.logActions, default: 0] += 1 }
    if asked.contains(.notify) { counts[.notifyActions, default: 0] += 1 }
    if asked.contains(.blockWrite), !isLate { counts[.blockActions, default: 0] += 1 }
    if asked.contains(.inject), !isLate { counts[.injectActions, default: 0] += 1 }
    if asked.contains(.networkIsolate) { counts[.isolateActions, default: 0] += 1 }
  }

  private func keep(_ verdict: Verdict, _ touches: Bool) {
    let kind: PageKind = if case .alert(let kind, _, _) = verdict.finding { kind } else { .tree }
    kinds[kind, default: 0] += 1
    if kind == .protected, !touches { falseShare += 1 }
  }

  private func judgeLate(_ vcpu: Int, _ now: UInt64) {
    for (verdict, store) in zip(hypervisor.processors.verdicts[vcpu], logs[vcpu]) where verdict.isAlert {
      count(verdict, isLate: true)
      if let table = store.table {
        counts[.walkerUpdates, default: 0] += 1
        updates.append((store.store, table.address.rawValue))
        lateness.append(now > store.clock ? now - store.clock : 0)
        continue
      }
      notified.append(store.store)
      lateness.append(now > store.clock ? now - store.clock : 0)
      keep(verdict, store.touches)
    }
    hypervisor.processors.verdicts[vcpu] = []
    logs[vcpu] = []
  }

  private func apply(_ event: RecordedEvent) {
    if tables != nil { applyPaging(event) }
    guard case .hypercall(let recorded) = event else { return }
    let call = Hypercall(recorded)
    for range in call.namedPages { named.formUnion(range.first.rawValue >> 9...range.last.rawValue >> 9) }
    let result = hypervisor.hypercall(call, on: recorded.vcpu)
    judgeLate(recorded.vcpu, call.time)
    let changing: [HypercallNumber] = [.protect, .unprotect]
    guard result == .success, HypercallNumber(rawValue: call.number).map(changing.contains) == true else { return }
    let pages = call.rdi..<call.rdi &+ call.rsi
    switch HypercallNumber(rawValue: call.number) {
    case .protect: for page in pages { claims[page, default: []].insert(call.r10) }
    case .unprotect:
      for page in pages { if call.r10 == 0 { claims[page] = [] } else { claims[page]?.remove(call.r10) } }
    default: break
    }
  }

  private func applyPaging(_ event: RecordedEvent) {
    switch event {
    case .cr3(let load):
      setRoot(load.value, on: load.vcpu)
      hypervisor.processors.loadCR3(on: load.vcpu)
    case .map(let mapping):
      if hypervisor.processors.caches[mapping.vcpu].root == nil { setRoot(mapping.cr3, on: mapping.vcpu) }
      let shift = UInt64(mapping.pageShift)
      lastMapping[[shift, mapping.linear.rawValue >> shift]] = mappings.count
      if shift == 12 {
        lastSmall[mapping.linear.rawValue >> 21] = mappings.count
      } else {
        lastLarge[[shift, mapping.linear.rawValue >> shift]] = mappings.count
      }
      mappings.append(mapping)
      guard let level = tables?.install(mapping) else { return }
      for vcpu in logs.indices {
        let isKernel = mapping.linear.rawValue >> 63 == 1
        let isInForce = hypervisor.processors.caches[vcpu].root == mapping.cr3 & 0xf_ffff_ffff_f000
        guard isKernel || isInForce else { continue }
        hypervisor.processors.shadowFlush(mapping.linear, below: level, ofKernel: isKernel, on: vcpu)
        hypervisor.processors.flush(on: vcpu) {
          level >= .pdpte
            ? isKernel || !$0.isGlobal
            : $0.isRegion
              ? $0.number == mapping.linear.rawValue >> 21
              : $0.number / level.pageCount == mapping.linear.rawValue >> 12 / level.pageCount
        }
      }
    case .control(let change): hypervisor.processors.change(change)
    case .hypercall, .mark, .halt: break
    }
  }

  private func setRoot(_ cr3: UInt64, on vcpu: Int) {
    hypervisor.processors.caches[vcpu].root = tables?.root(cr3).map { $0 << 12 }
    hypervisor.processors.machines[vcpu].guest.cr3 = cr3
    if !hypervisor.processors.shadows.isEmpty { hypervisor.processors.shadows[vcpu].guest.cr3 = cr3 }
  }

  /// Byte by byte.
  private func touchesProtectedByte(_ parts: [(UInt64, UInt64)]) -> Bool {
    parts.contains { start, size in
      (start..<start + size).contains { byte in
        (claims[byte >> 12] ?? []).contains { id in
          let here = regions.filter {
            $0.id == id && $0.gpa < (byte >> 12 + 1) << 12 && $0.gpa + $0.bytes > byte & ~0xfff
          }
          return here.isEmpty || here.contains { ($0.gpa..<$0.gpa + $0.bytes).contains(byte) }
        }
      }
    }
  }
}
