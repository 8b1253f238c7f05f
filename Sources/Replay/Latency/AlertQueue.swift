/// The ring and its consumer at one corner: alerts are posted in the order of time, and taken one after the other.
///
/// An alert has its slot from when it is posted until the consumer turns to it.
struct AlertQueue {
  private let whenFull: Consumer.WhenFull
  private var service: ServiceTimes
  /// When the consumer turned, or will turn, to each of the alerts posted last; one a slot.
  private var taken: [Double]
  private var posted = 0
  /// When the consumer has what was posted in hand.
  private var free = -Double.infinity
  private(set) var lost: UInt64 = 0
  /// Cycles that vCPUs waited for a slot.
  private(set) var parked = 0.0

  init(_ consumer: Consumer, service: ServiceTimes) {
    whenFull = consumer.whenFull
    self.service = service
    taken = Array(repeating: -.infinity, count: consumer.slots)
  }

  /// An alert is ready for the ring: when it is in the ring, and when in the consumer's hand; nil if it is lost.
  ///
  /// Where its vCPU waits for an answer, which takes so long, it is not lost: it waits for a slot. It is said to be delivered
  /// when the answer is there, since published figures tell the round trip only.
  mutating func post(at ready: Double, answeredIn answer: Double? = nil) -> (raised: Double, delivered: Double)? {
    let slot = posted % taken.count
    var raised = ready
    if taken[slot] > ready {
      guard whenFull == .park || answer != nil else {
        lost += 1
        return nil
      }
      raised = taken[slot]
      parked += raised - ready
    }
    let turn = max(raised, free)
    free = turn + (answer ?? service.next(isAsleep: raised >= free))
    taken[slot] = turn
    posted += 1
    return (raised, free)
  }
}
