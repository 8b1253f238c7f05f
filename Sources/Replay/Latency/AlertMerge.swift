/// The alerts of all vCPUs at one corner, merged by time: each vCPU's time is its own, and the order in which an emulator
/// let vCPUs take turns decides nothing.
///
/// An alert waits here until every other vCPU has one that comes later, or until ``window`` wait. A vCPU that lags behind
/// then, since a recording may not tell for how long it was halted, is taken to have been halted: its time goes on from
/// there. So memory is constant, and nothing waits behind what did not happen before it.
struct AlertMerge {
  /// Most alerts that wait to be put in order.
  static let window = 1024

  /// An alert, by what went before it on its vCPU.
  struct Alert {
    /// Which it is, among those of all vCPUs.
    var number: UInt64 = 0
    /// Cycles since the vCPU went on after its last alert.
    var gap: Double
    /// From the store's issue until the alert is ready for the ring.
    var before: Double
    /// From the alert in the ring until the vCPU goes on.
    var after: Double
    /// What the consumer is further away than the ring: where an alert is raised in the guest.
    var beyond: Double
    /// How long a tool outside the hypervisor takes to answer once it has turned to it, its vCPU waiting; nil where nobody is
    /// asked.
    var answer: Double?
    /// Whether it is an alert; a question to a tool outside need not be.
    var isAlert = true
  }

  private var queue: AlertQueue
  private var waiting: [ArraySlice<Alert>]
  private var count = 0
  /// vCPUs of which no alert waits.
  private var idle: Int
  /// When each vCPU went on after its last alert.
  private var resumed: [Double]
  /// The latest moment at which an alert was ready.
  private var now = -Double.infinity
  /// Alerts whose vCPU had to be taken to have been halted.
  private(set) var halted: UInt64 = 0
  /// What became of the alerts whose turn has come, until somebody has them forgotten.
  private(set) var outcomes: [Outcome] = []
  var lost: UInt64 { queue.lost }
  var parked: Double { queue.parked }

  init(_ queue: AlertQueue, vcpus: Int) {
    self.queue = queue
    waiting = Array(repeating: [], count: vcpus)
    idle = vcpus
    resumed = Array(repeating: 0, count: vcpus)
  }

  /// An alert of a vCPU, after all its others.
  mutating func add(_ alert: Alert, on vcpu: Int) {
    if waiting[vcpu].isEmpty { idle -= 1 }
    waiting[vcpu].append(alert)
    count += 1
    while count >= Self.window || idle == 0 { releaseFirst() }
  }

  /// Nothing follows.
  mutating func finish() {
    while count > 0 { releaseFirst() }
  }

  /// Forgets ``outcomes``.
  mutating func removeOutcomes() { outcomes.removeAll(keepingCapacity: true) }

  /// What became of an alert, in cycles since the store's issue.
  struct Outcome {
    /// Which alert it is of.
    var number: UInt64
    /// When its store was issued, on its vCPU's own time.
    var issued: Double
    /// Until it was in the ring; nil if it was lost.
    var raised: Double?
    /// Until the consumer had it in hand.
    var delivered: Double?
    /// Until the vCPU went on.
    var stall: Double
    /// Whether it is an alert.
    var isAlert: Bool
  }

  private mutating func releaseFirst() {
    var first = -1
    var earliest = Double.infinity
    for vcpu in waiting.indices {
      guard let alert = waiting[vcpu].first else { continue }
      let ready = resumed[vcpu] + alert.gap + alert.before
      if ready < earliest { (first, earliest) = (vcpu, ready) }
    }
    let alert = waiting[first].removeFirst()
    count -= 1
    if waiting[first].isEmpty { idle += 1 }
    if earliest < now {
      halted += 1
      earliest = now
    }
    now = earliest
    let issued = earliest - alert.before
    let place = queue.post(at: earliest, answeredIn: alert.answer)
    let wentOn = alert.answer == nil ? place?.raised : place?.delivered
    resumed[first] = (wentOn ?? earliest) + alert.after
    outcomes.append(
      Outcome(
        number: alert.number, issued: issued, raised: place.map { $0.raised - issued },
        delivered: place.map { $0.delivered - issued + alert.beyond }, stall: resumed[first] - issued,
        isAlert: alert.isAlert))
  }
}
