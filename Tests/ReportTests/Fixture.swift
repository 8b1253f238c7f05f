import Addresses
import GuestIntegrity

@testable import Replay

/// A made-up result with every feature a report must show: a strategy that is not sound, an undecided order, late
/// notifications, a strategy without any.
enum Fixture {
  static let parameters = CostParameter.allCases.enumerated().map { i, name in
    let value = Double(10 * (i + 1))
    return CycleProfile.Parameter(
      name: name, low: value / 2, value: value, high: value * 2,
      tag: [.published, .derived, .assumed][i % 3], source: "source of \(name.rawValue)")
  }

  static func percentiles(_ scale: Double) -> Percentiles {
    Percentiles(p50: scale, p90: scale * 1.5, p99: scale * 2.25, p999: scale * 3, max: scale * 4)
  }

  static func latency(_ scale: Double) -> LatencyPercentiles {
    func bracket(_ factor: Double) -> Bracket {
      Bracket(low: scale * factor / 2, value: scale * factor, high: scale * factor * 2)
    }
    return LatencyPercentiles(p50: bracket(1), p90: bracket(2), p99: bracket(4), p999: bracket(8), max: bracket(16))
  }

  static func strategy(
    _ name: String, sound: Bool = true, overhead: Double, notifications: UInt64 = 20_000, timed: Bool = true
  ) -> StrategyResult {
    StrategyResult(
      name: name,
      sound: Soundness(value: sound, reason: sound ? "no permission is lifted" : "another vCPU can write meanwhile"),
      counts: [
        "writes": 141_100_000, "runs": 23_000_000, "violation_exits": notifications,
        "walk_references_l1": UInt64(overhead) / 10,
      ],
      overheadCycles: Bracket(low: overhead / 2, value: overhead, high: overhead * 2),
      guestStallCycles: Bracket(low: overhead / 4, value: overhead / 2, high: overhead),
      notifications: Notifications(
        count: notifications,
        byKind: .init(protected: notifications / 2, tree: 12, giCode: 1, giData: notifications / 2 &- 13),
        falseShare: 380, raisedCycles: latency(2345), deliveredCycles: latency(2700), stallCycles: latency(4100),
        stages: Dictionary(
          uniqueKeysWithValues: Stage.latency.enumerated().map { ($1.rawValue, percentiles(Double($0 + 1) * 100)) }),
        coldCycles: Bracket(low: 0, value: 1e6, high: 9e6),
        consumer: ConsumerFigures(
          Consumer(
            name: "vmi", slots: 64, service: .constant(Bracket(low: 22_000, value: 22_000, high: 22_000)),
            whenFull: .lose),
          lost: Bracket(low: 0, value: 7, high: 21), parked: Bracket(low: 0, value: 0, high: 0)),
        late: nil, setDigest: "00112233445566778899aabbccddeeff"),
      switches: 412,
      host: timed
        ? HostFigures(
          seconds: 0.1414, writesPerSecond: 998_000_000, timerNanoseconds: 20.04,
          lookupNanoseconds: HostPercentiles(p50: 5.7, p99: 22.04, control: 1.0035),
          alertNanoseconds: HostPercentiles(p50: 41.5, p99: 180, control: 0.981))
        : nil)
  }

  /// The results as those of so many recordings, each with a digest of its own.
  static func recordings(_ results: RunResult...) -> [RunResult] {
    results.enumerated().map { number, result in
      var result = result
      result.trace.digest = "recording \(number)"
      result.trace.workload = "workload \(number)"
      return result
    }
  }

  static var result: RunResult {
    var late = strategy("pml", sound: false, overhead: 1_000_000)
    (late.notifications.raisedCycles, late.notifications.deliveredCycles) = (nil, nil)
    late.notifications.consumer = nil
    late.notifications.late = LateDetection(p50: 51_000, p90: 600_000, p99: 900_000, max: 1_250_000)
    var silent = strategy("spp", overhead: 42, notifications: 0)
    (silent.notifications.raisedCycles, silent.notifications.deliveredCycles) = (nil, nil)
    (silent.notifications.stallCycles, silent.notifications.coldCycles) = (nil, nil)
    silent.notifications.consumer = nil
    silent.notifications.byKind = .init(protected: 0, tree: 0, giCode: 0, giData: 0)
    var result = RunResult(
      tool: ToolDescription(version: "9.9.9", build: "release"),
      trace: .init(
        path: "traces/boot.trace", digest: "0123456789abcdef0123456789abcdef", writes: 141_100_000, runs: 23_000_000,
        pages: 17_800, vcpus: 2, instructions: 1_234_567_890, hypercalls: 131, marks: 36, guest: "Linux 6.1.0-amd64"),
      policy: PolicyDescription(name: "recorded-driver", arm: nil),
      profile: ProfileDescription(name: "example", parameters: parameters),
      time: TimeDescription(
        cyclesPerInstruction: Bracket(low: 0.5, value: 1, high: 2), frequencyMHz: 2400, exitsPerSecond: 0, seed: 1),
      strategies: [
        strategy("toggle", sound: false, overhead: 3_210_987_654.4), strategy("eptp-exit", overhead: 98_765_432.1),
        silent, late,
      ],
      ranking: Ranking(order: ["spp", "pml", "eptp-exit", "toggle"], robust: [true, false, true]),
      crosscheck: CrossCheck(agree: false, differences: ["pml notified 12 stores fewer than eptp-exit"]))
    result.host = HostDescription(cpu: "Example CPU", cores: 2, os: "Linux")
    (result.sensitivity, result.geometrySensitivity) = (sensitivity, variants)
    result.hypervisor = "kvm"
    addVerdicts(to: &result)
    return result
  }

  /// A verdict of each kind, a structure that changes nothing and one that does, regions that fit and one that does not.
  private static func addVerdicts(to result: inout RunResult) {
    let contracts: [String: Contract] = [
      "toggle": .soundInGuest, "eptp-exit": .sound, "spp": .sound, "pml": .detectionOnly,
    ]
    for i in result.strategies.indices {
      let overhead = result.strategies[i].overheadCycles.value
      result.strategies[i].contract = contracts[result.strategies[i].name]
      result.strategies[i].setupCycles = Bracket(low: overhead / 100, value: overhead / 50, high: overhead / 25)
      result.strategies[i].armed = ArmedCost(overhead * 0.98, over: 900_000_000)
      result.strategies[i].overheadParts = OverheadParts(
        notifications: Bracket(low: overhead / 4, value: overhead / 2, high: overhead),
        refusedSilently: Bracket(low: 0, value: 0, high: 0),
        other: Bracket(low: overhead / 4, value: overhead / 2, high: overhead), simulated: 0.51, published: 40,
        measured: 0, assumed: 59.49)
      result.strategies[i].regions = [
        RegionCost(
          name: "kernel-text", notifications: 7,
          overheadCycles: Bracket(low: overhead / 8, value: overhead / 4, high: overhead / 2))
      ]
    }
    result.rankings = [
      .sound: Ranking(order: ["spp", "eptp-exit"], robust: [true]),
      .soundInGuest: Ranking(order: ["toggle"], robust: []),
      .detectionOnly: Ranking(order: ["pml"], robust: []),
    ]
    func pair(_ a: String, _ b: String, _ verdict: PairVerdict.Verdict, _ together: Int?, _ share: Double)
      -> PairVerdict
    {
      PairVerdict(cheaper: a, dearer: b, verdict: verdict, together: together, share: share)
    }
    result.pairs = [
      pair("spp", "pml", .robust, nil, 1), pair("spp", "eptp-exit", .robust, nil, 1),
      pair("spp", "toggle", .together, 3, 0.9712), pair("pml", "eptp-exit", .undecided, 1, 0.634),
      pair("pml", "toggle", .robust, nil, 1), pair("eptp-exit", "toggle", .same, nil, 0),
    ]
    result.box = BoxDescription(
      points: 10_000, seed: 15, refill: [.simulated, .full], mitigations: [.off], hypervisors: ["kvm"])
    let overheads = Dictionary(uniqueKeysWithValues: result.strategies.map { ($0.name, $0.overheadCycles) })
    result.structures = ["as given", "full TLB"].map {
      OverheadVariant(name: $0, order: result.ranking.order, overheadCycles: overheads)
    }
    let zero = Bracket(low: 0, value: 0, high: 0)
    result.budget = Budget(
      percent: 1, cyclesPerInstruction: Bracket(low: 0.5, value: 1, high: 2),
      answers: [
        Budget.Answer(
          strategy: "eptp-exit", contract: .sound, alone: Bracket(low: 0.1, value: 0.2, high: 0.8),
          protects: [Budget.Share(name: "idt", percent: zero)],
          leavesOut: [Budget.Share(name: "page-tables", percent: Bracket(low: 1, value: 4, high: 20))],
          total: Bracket(low: 0.1, value: 0.2, high: 0.8), verdict: .robust, fits: 1, oneMoreFits: 0),
        Budget.Answer(
          strategy: "pml", contract: .detectionOnly, alone: Bracket(low: 0.9, value: 1.5, high: 4), protects: [],
          leavesOut: [Budget.Share(name: "idt", percent: zero)], total: Bracket(low: 0.9, value: 1.5, high: 4),
          verdict: .undecided, fits: 0.123, oneMoreFits: 0.12),
      ])
  }

  /// A pair that a cost flips inside its bracket, one that several flip together, one that nothing flips.
  static var sensitivity: [OrderSensitivity] {
    func pair(_ cheaper: String, _ dearer: String, _ counts: [CostParameter: Double]) -> OrderSensitivity {
      var form = LinearForm()
      for (parameter, count) in counts { form[parameter] = count }
      return OrderSensitivity(cheaper: cheaper, dearer: dearer, difference: form, costs: parameters)
    }
    return [
      pair("spp", "pml", [.shootdown: 100]),
      pair("pml", "eptp-exit", [.inveptSingle: 900, .entryEdit: -700, .l1Reference: -500]),
      pair("eptp-exit", "toggle", [.shootdown: 1000, .treeNode: -900, .vmfuncSwitch: 1000]),
    ]
  }

  /// Sizes that keep the order, and sizes that change it.
  static var variants: [OverheadVariant] {
    let overheads = ["spp": 42.0, "pml": 1_100_000, "eptp-exit": 98_700_000, "toggle": 3_300_000_000]
    let brackets = overheads.mapValues { Bracket(low: $0 / 2, value: $0, high: $0 * 2) }
    return [
      OverheadVariant(
        name: "paging-structure caches at half", order: ["spp", "pml", "eptp-exit", "toggle"], overheadCycles: brackets),
      OverheadVariant(
        name: "paging-structure caches at double", order: ["pml", "spp", "eptp-exit", "toggle"],
        overheadCycles: brackets),
    ]
  }

  /// A notification of a store to a symbol, or to none.
  static func listed(_ number: UInt64) -> ListedNotification {
    var listed = ListedNotification(
      strategy: "eptp-exit", number: number, store: 1000 + number, vcpu: 1, instructions: 123_456 + number,
      address: GuestPhysicalAddress(0x1a2_b030 + number), bytes: 8, symbol: number == 2 ? nil : "modprobe,\"path",
      offset: 4,
      region: number == 3 ? nil : "modprobe_path", kind: number == 3 ? "gi_data" : "protected",
      shape: NotificationShape(
        delivery: .exit, completion: Acts(.emulatedStore), walkReferences: [1, 2, 0, 1], treeNodes: 3))
    (listed.mark, listed.windows, listed.actions) = ("init", 2, ["notify"])
    listed.touches = "bytes"
    (listed.issued, listed.cold) = (5000 * Double(number), Bracket(low: 0, value: 100.5, high: 700))
    // Half a cycle: every format must round it alike.
    listed.raised = Bracket(low: 800, value: 1234.5, high: 2000)
    listed.delivered = Bracket(low: 1200, value: 1634.5, high: 2600)
    listed.stall = Bracket(low: 2000, value: 3000, high: 4000)
    return listed
  }

  /// The same without any host figure.
  static var counted: RunResult {
    var result = result
    result.host = nil
    for i in result.strategies.indices { result.strategies[i].host = nil }
    result.crosscheck = CrossCheck(agree: true, differences: [])
    return result
  }

  /// Names that try to act on the reader's terminal, browser or spreadsheet.
  static var hostile: RunResult {
    var result = result
    result.trace.path = "a\u{1B}[31m\u{202E}<script>alert('1')</script>|*b*,\"c\"\r\nd&amp;.trace"
    result.trace.guest = "\u{9B}2J</title>\u{0}"
    return result
  }
}
