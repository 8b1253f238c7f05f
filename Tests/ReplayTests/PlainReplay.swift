import Addresses
import EPT
import GuestIntegrity
import MonitorTree
import WriteTrace

@testable import Replay

/// The replay as one would write it down first: every access of every run looks into plain lists, in order; nothing is
/// skipped, shared or packed. Hypervisor and MMU are the real ones.
final class PlainReplay {
  private(set) var counts: [Event: UInt64] = [:]
  private(set) var notified: [UInt64] = []
  private(set) var kinds: [PageKind: UInt64] = [:]
  private(set) var falseShare: UInt64 = 0
  private(set) var lateness: [UInt64] = []

  private let hypervisor: Hypervisor<PlainProcessors>
  private let regions: [TraceDescription.Region]
  private let isSinglyChecked: Bool
  /// Region ids that claim a page.
  private var claims: [UInt64: Set<UInt64>] = [:]
  /// What the logs hold: number and count of the store, and whether it touched a protected byte.
  private var logs: [[(store: UInt64, clock: UInt64, touches: Bool)]]

  init(_ strategy: Strategy, _ reader: TraceReader, geometry: CacheGeometry) throws {
    let totals = reader.header.totals
    regions = reader.header.recording.regions
    isSinglyChecked = strategy.mechanism.noticing == .subPagePermissions
    logs = (0..<totals.vcpus).map { _ in [] }
    var configuration = Configuration(strategy.mechanism)
    configuration.recordsOldBytes = false
    for region in regions {
      configuration.regionBytes[RegionID(UInt16(region.id)), default: []].append(region.gpa..<region.gpa + region.bytes)
    }
    let ram = RandomDriverTrace.ramPages << 12
    let memory = HostMemory(byteCount: Hypervisor<PlainProcessors>.hostBytes(ramBytes: ram))!
    hypervisor = try Hypervisor(
      memory: memory, ramBytes: ram, vcpus: totals.vcpus, configuration: configuration,
      processors: PlainProcessors(memory: memory.memory, vcpus: totals.vcpus, geometry: geometry))
    for vcpu in 0..<totals.vcpus { hypervisor.configure(&hypervisor.processors.machines[vcpu], for: vcpu) }
    for set in TableSet.allCases { hypervisor.processors.sets.append((hypervisor.eptp(of: set), set)) }
    try run(reader)
  }

  private func run(_ reader: TraceReader) throws {
    let block = TraceBlock()
    for (number, header) in reader.blocks.enumerated() {
      try reader.read(block: number, columns: [.runs, .events, .places, .clocks], into: block)
      var events = block.events[...]
      var store = header.firstWrite
      var judgedWhole: Int?
      for index in block.runs.indices {
        while let event = events.first, event.run <= index {
          apply(event.event)
          events.removeFirst()
        }
        let run = block.runs[index]
        if judgedWhole == index { continue }
        for access in 0..<run.accesses {
          let number = run.isContinuation ? store - 1 : store + UInt64(access)
          if try perform(access, index, run, number, in: block) { judgedWhole = index + 1 }
        }
        store += UInt64(run.writes)
      }
      for event in events { apply(event.event) }
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

  /// One access; true if the store was judged whole, with its second part.
  private func perform(_ access: Int, _ index: Int, _ run: Run, _ number: UInt64, in block: TraceBlock) throws -> Bool {
    let accesses = try block.accesses(ofRun: index)
    let crosses = access == run.accesses - 1 && index + 1 < block.runs.count && block.runs[index + 1].isContinuation
    var kind = AccessKind.dataWrite
    if crosses || run.isContinuation { kind.formUnion(.noSubPage) }
    let request = GuestAccess(accesses.address(access), kind, byteCount: UInt16(accesses[access].size))
    let bytes = [(accesses.address(access).rawValue, UInt64(accesses[access].size))]
    while true {
      let (outcome, references, logged) = hypervisor.processors.access(request, on: run.vcpu)
      switch outcome {
      case .translated, nil:
        if logged {
          logs[run.vcpu].append((number, block.clocks[index], touchesProtectedByte(bytes)))
        }
        return false
      case .pmlFull:
        hypervisor.processors.exit(.modificationLogFull, on: run.vcpu)
        hypervisor.drainModificationLog(of: run.vcpu, time: block.clocks[index])
        judgeLate(run.vcpu, block.clocks[index])
        continue
      case .violation(let violation):
        hypervisor.processors.exit(.eptViolation, on: run.vcpu)
        try judge(violation, access, index, run, number, crosses, references, in: block)
        return crosses
      case .virtualizationException(let violation):
        hypervisor.processors.counts[.virtualizationExceptions, default: 0] += 1
        try judge(violation, access, index, run, number, crosses, references, in: block)
        hypervisor.processors.machines[run.vcpu].acknowledgeException()
        return crosses
      default: throw ReplayError("\(String(describing: outcome))")
      }
    }
  }

  private func judge(
    _ violation: EPTViolation, _ access: Int, _ index: Int, _ run: Run, _ number: UInt64, _ crosses: Bool,
    _ references: Int, in block: TraceBlock
  ) throws {
    let accesses = try block.accesses(ofRun: index)
    var store = Store(vcpu: run.vcpu, address: accesses.address(access), size: accesses[access].size)
    var bytes = [(store.address.rawValue, UInt64(store.size))]
    if crosses {
      let second = try block.accesses(ofRun: index + 1)
      store.size += second[0].size
      store.secondPage = block.runs[index + 1].page
      bytes.append((second.address(0).rawValue, UInt64(second[0].size)))
    }
    let verdict = hypervisor.handle(store, violation: violation)
    hypervisor.processors.treeNodesVisited(verdict.nodesVisited, on: run.vcpu)
    if verdict.isCompleted { complete(store) }
    guard verdict.isAlert else { return }
    counts[.alerts, default: 0] += 1
    notified.append(number)
    keep(verdict, touchesProtectedByte(bytes))
  }

  private func complete(_ store: Store) {
    switch hypervisor.configuration.mechanism.completion {
    case .emulate, .alreadyDone: counts[.emulatedStores, default: 0] += 1
    case .singleStep, .viewSwitch:
      hypervisor.openView(on: store.vcpu)
      for page in [store.address.page] + (store.secondPage.map { [$0] } ?? []) {
        _ = hypervisor.processors.access(GuestAccess(page.address, .dataWrite), on: store.vcpu)
      }
      hypervisor.closeView(on: store.vcpu)
    }
  }

  private func keep(_ verdict: Verdict, _ touches: Bool) {
    let kind: PageKind = if case .alert(let kind, _, _) = verdict.finding { kind } else { .tree }
    kinds[kind, default: 0] += 1
    if kind == .protected, !touches { falseShare += 1 }
  }

  private func judgeLate(_ vcpu: Int, _ now: UInt64) {
    for (verdict, store) in zip(hypervisor.processors.verdicts[vcpu], logs[vcpu]) where verdict.isAlert {
      counts[.alerts, default: 0] += 1
      notified.append(store.store)
      lateness.append(now > store.clock ? now - store.clock : 0)
      keep(verdict, store.touches)
    }
    hypervisor.processors.verdicts[vcpu] = []
    logs[vcpu] = []
  }

  private func apply(_ event: TraceEvent) {
    guard case .hypercall(let recorded) = event else { return }
    let call = Hypercall(recorded)
    let result = hypervisor.hypercall(call, on: recorded.vcpu)
    judgeLate(recorded.vcpu, call.time)
    guard result == .success else { return }
    let pages = call.rdi..<call.rdi &+ call.rsi
    switch HypercallNumber(rawValue: call.number) {
    case .protect: for page in pages { claims[page, default: []].insert(call.r10) }
    case .unprotect:
      for page in pages { if call.r10 == 0 { claims[page] = [] } else { claims[page]?.remove(call.r10) } }
    default: break
    }
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
