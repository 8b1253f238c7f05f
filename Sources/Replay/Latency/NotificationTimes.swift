import GuestIntegrity
import MonitorTree

/// When the notifications of one strategy are raised and delivered, and how long their vCPUs stand still; at the three corners
/// side by side, streamed.
///
/// A vCPU's time is its own instructions since arming at the guest's pace, and what its hypervisor has kept it: a vCPU that is
/// kept issues no next store, so nothing is omitted in coordination and nothing piles up on a vCPU by itself. What piles up is
/// in front of the consumer, which is one for all.
struct NotificationTimes {
  let costs: LatencyCosts
  private let pace: AtCorners
  private var prices: [NotificationShape: Price] = [:]
  /// The price of the shape that was asked for last, which most are.
  private var latest: (shape: NotificationShape, price: Price)?
  private var eventPrices: [Event: AtCorners] = [:]
  private var vcpus: [VCPU]
  private var merges: [AlertMerge]
  private var posted: UInt64 = 0
  private var raisedInGuest: UInt64 = 0
  private var raised = CornerHistograms()
  private var delivered = CornerHistograms()
  private var stall = CornerHistograms()
  /// What caches left cold add to each notification.
  private var cold = CornerHistograms()
  /// The same, of all refused stores together.
  private var coldCycles = AtCorners()
  private let consumer: Consumer
  /// Who lists notifications one by one; nil where nobody does.
  var listing: NotificationLog?

  private struct Price {
    var latency: AtCorners
    var stall: AtCorners
    /// Of the answer that a tool outside is asked for, if it is.
    var answer: AtCorners?
  }

  private struct VCPU {
    var lines: HypervisorLines
    /// Its last exit, or when it was armed; nil before.
    var last: ExitPlace?
    /// Cycles since its last alert: instructions of its own at the guest's pace, and what it has been kept besides.
    var gap = AtCorners()
  }

  init(_ setting: LatencySetting, _ costs: LatencyCosts, vcpus: Int) {
    self.costs = costs
    pace = setting.pace.corners
    consumer = setting.consumer
    self.vcpus = Array(repeating: VCPU(lines: HypervisorLines(costs.lines)), count: vcpus)
    merges = (0..<3).map { corner in
      let service = ServiceTimes(
        setting.consumer.service, cyclesPerNanosecond: costs.cyclesPerNanosecond, corner: corner, seed: setting.seed)
      return AlertMerge(AlertQueue(setting.consumer, service: service), vcpus: vcpus)
    }
  }

  /// An exit that is no notification: a hypercall, a full log, a store refused without an alert, one of the background.
  mutating func exit(at place: ExitPlace, keeping kept: AtCorners = .zero) {
    pass(to: place)
    let cold = vcpus[place.vcpu].lines.runHandler()
    if kept != .zero { vcpus[place.vcpu].gap += kept + cold }
  }

  /// A refused store that raises no alert.
  mutating func refuse(_ shape: NotificationShape, at place: ExitPlace, tree lines: [MemoryLine]) {
    pass(to: place)
    let cold = coldness(of: shape, tree: lines, on: place.vcpu, ring: nil)
    coldCycles += cold
    guard !shape.isAnsweredOutside else {
      return post(shape, before: price(of: shape).latency + cold, isAlert: false, on: place.vcpu)
    }
    vcpus[place.vcpu].gap += price(of: shape).stall + cold
  }

  /// A refused store that raises an alert.
  mutating func alert(_ shape: NotificationShape, at place: ExitPlace, tree lines: [MemoryLine]) {
    pass(to: place)
    let cold = coldness(of: shape, tree: lines, on: place.vcpu, ring: posted % UInt64(consumer.slots))
    let number = posted
    posted += 1
    listing?.begin(number, cold: cold)
    coldCycles += cold
    self.cold.record(cold)
    if shape.isRaisedInGuest { raisedInGuest += 1 }
    post(shape, before: price(of: shape).latency + cold, isAlert: true, number, on: place.vcpu)
  }

  /// What goes through the ring: alerts, and every refused store that a tool outside is asked about.
  private mutating func post(
    _ shape: NotificationShape, before: AtCorners, isAlert: Bool, _ number: UInt64 = 0, on vcpu: Int
  ) {
    let price = price(of: shape)
    let answer = price.answer
    let after = price.stall - price.latency - (answer ?? .zero)
    let beyond = shape.isRaisedInGuest ? costs.leavingGuest : .zero
    let gap = vcpus[vcpu].gap
    vcpus[vcpu].gap = .zero
    for corner in 0..<3 {
      let alert = AlertMerge.Alert(
        number: number, gap: gap[corner], before: before[corner], after: after[corner], beyond: beyond[corner],
        answer: answer?[corner], isAlert: isAlert)
      merges[corner].add(alert, on: vcpu)
      keepOutcomes(at: corner)
    }
  }

  /// A store that was noticed late: it has no latency of this kind, and its vCPU's stall is what the log costs.
  mutating func noticedLate(_ shape: NotificationShape) { stall.record(price(of: shape).stall) }

  /// Nothing follows.
  mutating func finish() {
    for corner in 0..<3 {
      merges[corner].finish()
      keepOutcomes(at: corner)
    }
  }

  /// What came of it all, once nothing follows.
  var figures: LatencyFigures {
    func sum(_ part: (AlertMerge) -> Double) -> Bracket { Bracket(enclosing: AtCorners(merges.map(part))) }
    return LatencyFigures(
      raised: raised.percentiles, delivered: delivered.percentiles, stall: stall.percentiles, cold: cold.middle,
      coldCycles: coldCycles == .zero ? nil : Bracket(enclosing: coldCycles),
      leavingGuestCycles: raisedInGuest == 0 ? nil : Bracket(enclosing: costs.leavingGuest * 2),
      consumer: posted == 0
        ? nil : ConsumerFigures(consumer, lost: sum { Double($0.lost) }, parked: sum(\.parked)))
  }

  /// The same in more points.
  func curves(of strategy: Strategy) -> LatencyCurves {
    LatencyCurves(
      strategy: strategy.name, raised: raised.curve, delivered: delivered.curve, deliveredRanges: delivered.ranges)
  }

  /// Takes a vCPU to where it exits; the first place it is taken to arms it.
  mutating func pass(to place: ExitPlace) {
    defer { vcpus[place.vcpu].last = place }
    guard let last = vcpus[place.vcpu].last else { return }
    let instructions = place.clock > last.clock ? Double(place.clock - last.clock) : 0
    vcpus[place.vcpu].lines.passed(.init(pages: Double(place.pages(since: last)), instructions: instructions))
    vcpus[place.vcpu].gap += instructions * pace
  }

  /// What is found in colder caches than a loop finds it: the handler's lines, a line that is waited for in each node of the
  /// tree, and the ring's slot, which the consumer has had in its own cache.
  private mutating func coldness(
    of shape: NotificationShape, tree lines: [MemoryLine], on vcpu: Int, ring slot: UInt64?
  ) -> AtCorners {
    var cold = AtCorners()
    if shape.delivery != .completion { cold += vcpus[vcpu].lines.runHandler() }
    for line in lines { cold += vcpus[vcpu].lines.touch(line.number) }
    if let slot { cold += vcpus[vcpu].lines.touch(slot | 1 << 63, noNearerThan: LineCosts.lastLevel) }
    return cold
  }

  private mutating func price(of shape: NotificationShape) -> Price {
    if let latest, latest.shape == shape { return latest.price }
    let price = prices[shape] ?? newPrice(of: shape)
    latest = (shape, price)
    return price
  }

  private mutating func newPrice(of shape: NotificationShape) -> Price {
    let price = Price(
      latency: costs.price(shape.latencyPrice), stall: costs.price(shape.stallPrice),
      answer: shape.isAnsweredOutside ? costs.price(shape.price(of: .answer)) : nil)
    prices[shape] = price
    return price
  }

  /// What an event that is no part of a notification keeps its vCPU.
  mutating func price(of event: Event) -> AtCorners {
    if let known = eventPrices[event] { return known }
    let price = costs.price(PriceList.price(of: event))
    eventPrices[event] = price
    return price
  }

  private mutating func keepOutcomes(at corner: Int) {
    defer { merges[corner].removeOutcomes() }
    for index in merges[corner].outcomes.indices {
      let outcome = merges[corner].outcomes[index]
      guard outcome.isAlert else { continue }
      listing?.settle(outcome, at: corner)
      stall.record(outcome.stall, at: corner)
      if let cycles = outcome.raised { raised.record(cycles, at: corner) }
      if let cycles = outcome.delivered { delivered.record(cycles, at: corner) }
    }
  }
}

extension NotificationShape {
  /// Whether the guest itself raises the alert, and nobody has asked the hypervisor about it.
  var isRaisedInGuest: Bool { delivery == .virtualizationException && asking[.hypercallExit] == 0 }
}

/// What came of the notifications of one strategy.
struct LatencyFigures {
  var raised: LatencyPercentiles?
  var delivered: LatencyPercentiles?
  var stall: LatencyPercentiles?
  /// At the middle corner.
  var cold: Percentiles?
  var coldCycles: Bracket?
  var leavingGuestCycles: Bracket?
  var consumer: ConsumerFigures?
}
