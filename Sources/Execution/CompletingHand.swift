import GuestIntegrity

/// Does to a refused store what a strategy's choices ask for, by the means of whoever drives the machine, and keeps account
/// of it.
@usableFromInline
struct CompletingHand<Driver: Executor>: CompletionHost {
  @usableFromInline let driver: Driver
  @usableFromInline let access: Driver.Access
  @usableFromInline let refused: Store
  @usableFromInline var acts = Acts()
  @usableFromInline var failure: Driver.Failure?
  /// Whether anybody has performed the store.
  @usableFromInline private(set) var isPerformed = false

  @inlinable
  init(_ driver: Driver, _ access: Driver.Access, _ store: Store) {
    self.driver = driver
    self.access = access
    refused = store
  }

  /// What was done since somebody last asked.
  @inlinable
  mutating func takeActs() -> Acts {
    defer { acts = Acts() }
    return acts
  }

  /// Throws what the driver could not do, if there is anything.
  @inlinable
  func check() throws(Driver.Failure) { if let failure { throw failure } }

  @inlinable
  mutating func spend(_ act: Act) {
    acts.note(act)
    driver.hypervisor.processors.acted(act, on: refused.vcpu)
  }

  @inlinable
  mutating func emulate() {
    spend(.emulatedStore)
    // The walker's own stores are flags, and set already.
    if refused.origin == .instruction { driver.emulate(access) }
    isPerformed = true
  }

  @inlinable
  mutating func store() {
    guard refused.origin == .instruction else {
      isPerformed = true
      return
    }
    do throws(Driver.Failure) { isPerformed = try driver.storeInOpenView(access) } catch { failure = error }
  }

  @inlinable
  mutating func openView(by means: SwitchMeans) {
    acts.note(Act(means))
    driver.hypervisor.openView(on: refused.vcpu, by: means)
  }

  @inlinable
  mutating func closeView(by means: SwitchMeans) {
    acts.note(Act(means))
    driver.hypervisor.closeView(on: refused.vcpu, by: means)
  }

  @inlinable
  mutating func exit(_ reason: ExitReason) {
    if let act = Act(reason) { acts.note(act) }
    driver.hypervisor.processors.exit(reason, on: refused.vcpu)
  }
}
