import Addresses
import Execution
import GuestIntegrity
import MonitorTree

/// Tells whoever lists notifications what came of each; nobody does, as a rule.
extension StrategyReplay {
  /// A refused store raised an alert; `touched` is nil of the walker's own.
  func list(
    _ judged: JudgedStore, _ shape: NotificationShape, store number: UInt64, _ kind: PageKind,
    touched: NotificationTally.Touched?, of access: RecordedAccess
  ) throws {
    if let touched, noticed != nil {
      noticed?.append(
        NoticedStore(
          number: number, run: access.index, access: access.number, address: judged.store.address,
          bytes: judged.store.size, kind: kind, isOwedBySubPages: kind != .protected || touched != .page))
    }
    guard let listing else { return }
    listing.pass(cursor.block.events, before: access.index)
    var notification = listing.notification(
      of: number, on: judged.store.vcpu, at: try cursor.clock(ofRun: access.index) &+ UInt64(access.number),
      to: judged.store.address, bytes: judged.store.size, judged.verdict, kind, shape)
    notification.touches = touched?.name
    notification.isByWalker = touched == nil
    listing.describe(notification)
  }

  /// A logged store raised one when the log was drained, at this time of its vCPU.
  func listLate(
    _ store: LoggedStore, _ verdict: Verdict, _ kind: PageKind, _ shape: NotificationShape, on vcpu: Int,
    at time: UInt64
  ) {
    guard let listing else { return }
    listing.pass(cursor.block.events, before: position)
    var notification = listing.notification(
      of: store.number, on: vcpu, at: store.clock, to: store.table?.address ?? store.address, bytes: store.size,
      verdict, kind, shape)
    notification.touches = store.table == nil ? store.touched.name : nil
    notification.isByWalker = store.table != nil
    notification.lateInstructions = time > store.clock ? time - store.clock : 0
    listing.tellLate(notification)
  }
}
