import Addresses
import GuestIntegrity
import MonitorTree
import Recordings

/// Tells the notifications of one strategy, each once all is known of it: a place in the ring is known only when its turn has come
/// at every corner.
///
/// What waits here waits in ``AlertMerge``, too, so memory is constant. Nobody makes one where nobody asks.
final class NotificationLog {
  /// What listings call things by.
  struct Names {
    var symbols: SymbolTable?
    var truePages: TruePages?
    var region: (UInt64) -> String
    var marks: [UInt64: String]
  }

  private struct Pending {
    var cold: AtCorners
    var notification: ListedNotification?
    var outcomes = [AlertMerge.Outcome?](repeating: nil, count: 3)
  }

  private let strategy: String
  private let names: Names
  private let sink: (ListedNotification) throws -> Void
  /// The first error of whoever is told; nothing is told after it.
  private(set) var failure: (any Error)?
  private var count: UInt64 = 0
  /// Alerts that were described, which come in the order in which they begin.
  private var described: UInt64 = 0
  private var pending: [UInt64: Pending] = [:]
  /// The next event of the block at hand.
  private var next = 0
  private var mark: String?
  private var windows: UInt64 = 0

  init(of strategy: Strategy, names: Names, sink: @escaping (ListedNotification) throws -> Void) {
    self.strategy = strategy.name
    self.names = names
    self.sink = sink
  }

  /// An alert begins, the `number`th that is raised in time; caches left cold add so much.
  func begin(_ number: UInt64, cold: AtCorners) { pending[number] = Pending(cold: cold) }

  /// What became of an alert at one corner.
  func settle(_ outcome: AlertMerge.Outcome, at corner: Int) {
    pending[outcome.number]?.outcomes[corner] = outcome
    tellIfKnown(outcome.number)
  }

  /// The alert that began last is about this.
  func describe(_ notification: ListedNotification) {
    pending[described]?.notification = placed(notification)
    described += 1
    tellIfKnown(described - 1)
  }

  /// A store that was noticed late: nothing more will be known of it.
  func tellLate(_ notification: ListedNotification) { tell(placed(notification)) }

  private func placed(_ notification: ListedNotification) -> ListedNotification {
    var notification = notification
    count += 1
    (notification.strategy, notification.number) = (strategy, count)
    (notification.mark, notification.windows) = (mark, windows)
    return notification
  }

  private func tellIfKnown(_ number: UInt64) {
    guard let known = pending[number], var notification = known.notification else { return }
    let outcomes = known.outcomes.compactMap(\.self)
    guard outcomes.count == 3 else { return }
    pending[number] = nil
    func bracket(_ figure: (AlertMerge.Outcome) -> Double?) -> Bracket? {
      guard let value = figure(outcomes[1]) else { return nil }
      // A corner at which it was lost bounds nothing.
      return Bracket(enclosing: AtCorners(figure(outcomes[0]) ?? value, value, figure(outcomes[2]) ?? value))
    }
    notification.issued = outcomes[1].issued
    notification.cold = Bracket(enclosing: known.cold)
    (notification.raised, notification.delivered) = (bracket(\.raised), bracket(\.delivered))
    notification.stall = bracket(\.stall)
    notification.isLost = outcomes[1].raised == nil
    tell(notification)
  }

  private func tell(_ notification: ListedNotification) {
    guard failure == nil else { return }
    do { try sink(notification) } catch { failure = error }
  }
}

// MARK: - Where and when

extension NotificationLog {
  /// A block begins.
  func begin() { next = 0 }

  /// The events of a block before a run have passed; all of them where no run is given.
  func pass(_ events: [PlacedEvent], before run: Int? = nil) {
    while next < events.count, run.map({ events[next].run <= $0 }) ?? true {
      switch events[next].event {
      case .mark(let reached): mark = names.marks[reached.id] ?? "mark \(reached.id)"
      case .hypercall(let call) where call.number == HypercallNumber.enter.rawValue: windows += 1
      case .hypercall, .cr3, .map, .halt, .control: break
      }
      next += 1
    }
  }

  /// A notification of a store, as far as addresses and a verdict tell.
  func notification(
    of store: UInt64, on vcpu: Int, at instructions: UInt64, to address: GuestPhysicalAddress, bytes: Int,
    _ verdict: Verdict, _ kind: PageKind, _ shape: NotificationShape
  ) -> ListedNotification {
    let place = names.symbols?.place(of: address.rawValue)
    var actions: AlertActions = []
    switch verdict.finding {
    case .alert(_, _, let asked), .corrupt(_, let asked): actions = asked
    case .notMine, .ownWrite: break
    }
    return ListedNotification(
      strategy: strategy, number: 0, store: store, vcpu: vcpu, instructions: instructions,
      address: truePlace(of: address), bytes: bytes, symbol: place?.index.flatMap { names.symbols?.symbols[$0].name },
      offset: place?.offset ?? address.pageOffset, region: verdict.region.map { names.region(UInt64($0.rawValue)) },
      kind: kind.listedName, actions: AlertActions.named.filter { actions.contains($0.action) }.map(\.name),
      shape: shape)
  }

  private func truePlace(of address: GuestPhysicalAddress) -> GuestPhysicalAddress {
    guard let page = names.truePages?[address.page.rawValue] else { return address }
    return GuestPhysicalAddress(page << 12 | address.pageOffset)
  }
}

extension PageKind {
  /// As results spell it.
  var listedName: String {
    switch self {
    case .protected: "protected"
    case .tree: "tree"
    case .giCode: "gi_code"
    case .giData: "gi_data"
    }
  }
}
