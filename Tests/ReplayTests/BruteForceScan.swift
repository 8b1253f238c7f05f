import Recordings

@testable import Replay

/// What a recording's stores owe, found without EPT, tree or hypervisor: a set of monitored pages kept from the recorded
/// hypercalls alone, and every access compared with it.
struct BruteForceScan {
  /// Digest of the stores that a sound strategy notifies, and how many they are.
  private(set) var sound = StoreSet()
  /// The same for a strategy that opens the driver's pages to every vCPU while any of them is in integrity mode.
  private(set) var toggled = StoreSet()
  /// Bytes of each notified store, by mark in force: mark id, first byte, bytes on that page.
  private(set) var byMark: [UInt64: [(address: UInt64, size: Int)]] = [:]

  /// The same for sub-page permissions: stores that touch 128 bytes with a protected byte, or two pages at once.
  private(set) var subPages = StoreSet()
  /// The same for a page-modification log: the first store to a page since the log was drained that the page was in.
  private(set) var logged = StoreSet()

  private var code: Range<UInt64> = 0..<0
  private var data: Range<UInt64> = 0..<0
  private var nodes: [Range<UInt64>] = []
  private var entry: (rip: UInt64, page: UInt64) = (0, 0)
  private var exit: UInt64 = 0
  private var claims: [UInt64: Set<UInt64>] = [:]
  private var inWindow: [Bool] = []
  private var mark: UInt64 = 0
  private let listed: [RecordingDescription.Region]
  /// Monitored pages whose dirty flag is set, and what each vCPU's log holds.
  private var dirty: Set<UInt64> = []
  private var logs: [[(page: UInt64, store: UInt64)]] = []

  init(_ reader: RecordingReader) throws {
    listed = reader.header.recording.regions
    logs = Array(repeating: [], count: reader.header.totals.vcpus)
    inWindow = Array(repeating: false, count: reader.header.totals.vcpus)
    let block = RecordingBlock()
    for (number, header) in reader.blocks.enumerated() {
      try reader.read(block: number, columns: [.runs, .events, .places], into: block)
      var events = block.events[...]
      var store = header.firstWrite
      var previousWasNotified = (sound: false, toggled: false)
      for index in block.runs.indices {
        while let event = events.first, event.run <= index {
          apply(event.event)
          events.removeFirst()
        }
        let run = block.runs[index]
        let page = run.page.rawValue
        let isOwn = data.contains(page) || nodes.contains { $0.contains(page) }
        let isMonitored = isOwn || code.contains(page) || claims[page] != nil
        let owed = isMonitored && !(isOwn && inWindow[run.vcpu])
        let owedByToggle = isMonitored && !(isOwn && inWindow.contains(true))
        if isMonitored, dirty.insert(page).inserted {
          logs[run.vcpu].append((page, store - (run.isContinuation ? 1 : 0)))
        }
        if owed { try addSubPages(block, index, store, isOwn || code.contains(page), previousWasNotified.sound) }
        if run.isContinuation {
          // The second part of the store before: it counts once, with whichever part is monitored first.
          if owed, !previousWasNotified.sound { sound.insert(store - 1) }
          if owedByToggle, !previousWasNotified.toggled { toggled.insert(store - 1) }
        } else if owed || owedByToggle {
          let accesses = try block.accesses(ofRun: index)
          for access in 0..<run.accesses {
            if owed { sound.insert(store + UInt64(access)) }
            if owedByToggle { toggled.insert(store + UInt64(access)) }
            byMark[mark, default: []].append((page << 12 | UInt64(accesses[access].offset), accesses[access].size))
          }
        }
        if run.isContinuation, owed {
          byMark[mark, default: []].append((page << 12, try block.accesses(ofRun: index)[0].size))
        }
        previousWasNotified = (owed, owedByToggle)
        store += UInt64(run.writes)
      }
      for event in events { apply(event.event) }
    }
    for vcpu in logs.indices { drain(vcpu) }
  }

  private mutating func addSubPages(
    _ block: RecordingBlock, _ index: Int, _ store: UInt64, _ isGuestIntegrity: Bool, _ wasNotified: Bool
  ) throws {
    let run = block.runs[index]
    let accesses = try block.accesses(ofRun: index)
    if run.isContinuation {
      if !wasNotified { subPages.insert(store - 1) }
      return
    }
    let crosses = index + 1 < block.runs.count && block.runs[index + 1].isContinuation
    for access in 0..<run.accesses {
      let isCrossing = crosses && access == run.accesses - 1
      if isGuestIntegrity || isCrossing || touchesSubPage(run.page.rawValue, accesses[access]) {
        subPages.insert(store + UInt64(access))
      }
    }
  }

  /// Compares 128-byte numbers, byte by byte of every listed region that claims the page.
  private func touchesSubPage(_ page: UInt64, _ place: Place) -> Bool {
    let bytes = page << 12 + UInt64(place.offset)
    let touched = bytes >> 7...(bytes + UInt64(place.size) - 1) >> 7
    return (claims[page] ?? []).contains { id in
      let here = listed.filter { $0.id == id && $0.gpa < (page + 1) << 12 && $0.gpa + $0.bytes > page << 12 }
      return here.isEmpty || here.contains { touched.overlaps($0.gpa >> 7...($0.gpa + $0.bytes - 1) >> 7) }
    }
  }

  /// The pages of a vCPU's log are looked at in the mode it has been in; their dirty flags are cleared.
  private mutating func drain(_ vcpu: Int) {
    for (page, store) in logs[vcpu] {
      let isOwn = data.contains(page) || nodes.contains { $0.contains(page) }
      let isMonitored = isOwn || code.contains(page) || claims[page] != nil
      if isMonitored, !(isOwn && inWindow[vcpu]) { logged.insert(store) }
      dirty.remove(page)
    }
    logs[vcpu] = []
  }

  private mutating func apply(_ event: RecordedEvent) {
    switch event {
    case .mark(let found): mark = found.id
    case .cr3, .map, .halt, .control: break
    case .hypercall(let call): apply(call)
    }
  }

  private mutating func apply(_ call: RecordedEvent.Hypercall) {
    drain(call.vcpu)
    let first = call.arguments.rdi
    // A call from a page that was mapped in place of the driver's: integrity mode had ended with the fetch.
    if !code.contains(call.ripAddress.page.rawValue) { inWindow[call.vcpu] = false }
    // Registers of calls without a range hold anything: the sum may wrap, the range must not.
    let pages = first..<max(first, first &+ call.arguments.rsi)
    let isDriver = inWindow[call.vcpu] && call.cpl == 0
    switch call.number & 0xff {
    case 1 where code.isEmpty:
      code = first >> 12..<(first >> 12 + first & 0xfff)
      data = call.arguments.rsi >> 12..<(call.arguments.rsi >> 12 + call.arguments.rsi & 0xfff)
      // The driver's code is one page: its gates lie on the page this hypercall was made from.
      entry = (call.arguments.rdx, call.ripAddress.page.rawValue)
      exit = call.arguments.r10
    case 2 where call.cpl == 0 && call.rflags & 0x300 == 0 && !inWindow[call.vcpu]:
      let isAtGate = call.rip.rawValue == entry.rip && call.ripAddress.page.rawValue == entry.page
      if isAtGate, !code.isEmpty { inWindow[call.vcpu] = true }
    case 3 where inWindow[call.vcpu] && call.rip.rawValue == exit && call.ripAddress.page.rawValue == entry.page:
      inWindow[call.vcpu] = false
    case 4 where isDriver: for page in pages { claims[page, default: []].insert(call.arguments.r10) }
    case 5 where isDriver:
      for page in pages {
        if call.arguments.r10 == 0 { claims[page] = nil } else { claims[page]?.remove(call.arguments.r10) }
        if claims[page]?.isEmpty == true { claims[page] = nil }
      }
    case 7 where isDriver: nodes.append(pages)
    default: break
    }
  }
}
