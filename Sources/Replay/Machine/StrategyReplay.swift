import Addresses
import EPT
import GuestIntegrity
import WriteTrace

/// One strategy over one recording: every recorded store translates through the emulated EPT, every recorded hypercall
/// reaches the hypervisor.
///
/// The common case never leaves ``firstMiss(in:from:to:)``: an access whose translation the first-level TLB holds.
final class StrategyReplay {
  let hypervisor: Hypervisor<ModelledProcessors>
  /// Whether recorded hypercalls are executed; without them nothing is ever protected: what overhead is counted from.
  let isMonitored: Bool
  /// The exact bytes of the regions that the driver has asked to protect so far.
  private(set) var regions = RegionBytes([])
  private let namedRegions: [TraceDescription.Region]
  private var claimedRegions: Set<UInt64> = []
  var tally = NotificationTally()
  var translations = TranslationCounts()
  /// The first stores refused, for timing our own path afterwards.
  var samples: [RefusedStore] = []
  static let sampleLimit = 1024
  /// The processor under each table set, by raw value.
  var machines: [EPTMachine<FlatMemory>]
  private let fast: UnsafeMutablePointer<ModelledProcessors.FastPath>

  init(
    switching: Switching, isMonitored: Bool, ramBytes: UInt64, vcpus: Int, geometry: CacheGeometry,
    regions: [TraceDescription.Region]
  ) throws {
    self.isMonitored = isMonitored
    namedRegions = regions
    var configuration = Configuration(switching: switching)
    // A recording without values leaves guest memory empty but for the tree: there are no old bytes to tell.
    configuration.recordsOldBytes = false
    let bytes = Hypervisor<ModelledProcessors>.hostBytes(ramBytes: ramBytes)
    guard let memory = HostMemory(byteCount: bytes) else {
      throw ReplayError(
        "\(bytes) bytes of address space were refused by the operating system; free some or raise its limit")
    }
    let processors = ModelledProcessors(vcpus: vcpus, geometry: geometry)
    fast = processors.fast
    hypervisor = try Hypervisor(
      memory: memory, ramBytes: ramBytes, vcpus: vcpus, configuration: configuration, processors: processors)
    let pointers = TableSet.allCases.map { [hypervisor] in hypervisor.eptp(of: $0) }
    machines = pointers.map { EPTMachine(memory: memory.memory, eptp: $0) }
    hypervisor.processors.pointers = pointers
  }

  deinit { hypervisor.processors.deallocate() }

  /// Replays a block: runs in order, each event before the run it names.
  func replay(_ block: TraceBlock, firstWrite: UInt64) throws {
    var position = BlockPosition(block: block, firstWrite: firstWrite)
    var next = 0
    for event in block.events {
      try replay(runs: next..<event.run, at: &position)
      next = event.run
      if isMonitored { execute(event.event) }
    }
    try replay(runs: next..<block.runs.count, at: &position)
  }

  private func replay(runs range: Range<Int>, at position: inout BlockPosition) throws {
    let runs = position.block.runs
    var next = range.lowerBound
    while true {
      next = firstMiss(in: runs, from: next, to: range.upperBound)
      guard next < range.upperBound else { return }
      try translate(run: next, at: &position)
      next += 1
    }
  }

  /// The index of the first run whose page the first-level TLB of its vCPU does not hold; `end` when there is none.
  @inline(never)
  private func firstMiss(in runs: UnsafeBufferPointer<Run>, from start: Int, to end: Int) -> Int {
    let fast = fast
    let runs = runs.baseAddress
    var next = start
    while next < end, let run = runs?[next] {
      let vcpu = fast + run.vcpu
      guard vcpu.pointee.l1.hit(TranslationKey.key(of: run) | vcpu.pointee.tag) else { return next }
      next &+= 1
    }
    return next
  }

  private func execute(_ event: TraceEvent) {
    switch event {
    case .hypercall(let call):
      let result = hypervisor.hypercall(
        Hypercall(
          number: call.number, rdi: call.arguments.rdi, rsi: call.arguments.rsi, rdx: call.arguments.rdx,
          r10: call.arguments.r10, rip: call.rip, ripAddress: call.ripAddress, rflags: call.rflags,
          cpl: UInt8(truncatingIfNeeded: call.cpl), cr3: call.cr3, time: call.count),
        on: call.vcpu)
      while hypervisor.alerts(of: call.vcpu).next() != nil {}
      if call.number == HypercallNumber.protect.rawValue, result == .success { claim(call.arguments.r10) }
    case .cr3, .map, .mark: break
    }
  }
  private func claim(_ region: UInt64) {
    guard claimedRegions.insert(region).inserted else { return }
    regions = RegionBytes(
      namedRegions.filter { claimedRegions.contains($0.id) }.map { (start: $0.gpa, bytes: $0.bytes) })
  }
}
