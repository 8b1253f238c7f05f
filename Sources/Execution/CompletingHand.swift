import GuestIntegrity

/// Does to a refused store what a strategy's choices ask for, by the means of whoever drives the machine, and keeps account
/// of it.
struct CompletingHand<Driver: Executor>: CompletionHost {
  private let driver: Driver
  private let access: Driver.Access
  private let refused: Store
  private var acts = Acts()
  private var failure: Driver.Failure?
  /// Whether anybody has performed the store.
  private(set) var isPerformed = false

  init(_ driver: Driver, _ access: Driver.Access, _ store: Store) {
    self.driver = driver
    self.access = access
    refused = store
  }

  /// What was done since somebody last asked.
  mutating func takeActs() -> Acts {
    defer { acts = Acts() }
    return acts
  }

  /// Throws what the driver could not do, if there is anything.
  func check() throws(Driver.Failure) { if let failure { throw failure } }

  mutating func spend(_ act: Act) {
    acts.note(act)
    driver.hypervisor.processors.acted(act, on: refused.vcpu)
  }

  mutating func emulate() {
    spend(.emulatedStore)
    // The walker's own stores are flags, and set already.
    if refused.origin == .instruction { driver.emulate(access) }
    isPerformed = true
  }

  mutating func store() {
    guard refused.origin == .instruction else {
      isPerformed = true
      return
    }
    do throws(Driver.Failure) { isPerformed = try driver.storeInOpenView(access) } catch { failure = error }
  }

  mutating func openView(by means: SwitchMeans) {
    acts.note(Act(means))
    driver.hypervisor.openView(on: refused.vcpu, by: means)
  }

  mutating func closeView(by means: SwitchMeans) {
    acts.note(Act(means))
    driver.hypervisor.closeView(on: refused.vcpu, by: means)
  }

  mutating func exit(_ reason: ExitReason) {
    if let act = Act(reason) { acts.note(act) }
    driver.hypervisor.processors.exit(reason, on: refused.vcpu)
  }
}
