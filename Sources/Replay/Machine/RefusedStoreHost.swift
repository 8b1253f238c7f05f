import GuestIntegrity

/// Does to a refused store of a recording what a strategy's choices ask for, and keeps account of it.
struct RefusedStoreHost: CompletionHost {
  private let replay: StrategyReplay
  private let vcpu: Int
  private let origin: StoreOrigin
  private let reachesSecondPage: Bool
  private let run: Int
  private var acts = Acts()
  private var failure: (any Error)?

  init(of store: Store, ofRun run: Int, _ replay: StrategyReplay) {
    self.replay = replay
    vcpu = store.vcpu
    origin = store.origin
    reachesSecondPage = store.secondPage != nil
    self.run = run
  }

  /// What was done since somebody last asked.
  mutating func takeActs() -> Acts {
    defer { acts = Acts() }
    return acts
  }

  /// Throws what has failed, if anything did.
  func check() throws { if let failure { throw failure } }

  mutating func spend(_ act: Act) {
    acts.note(act)
    replay.hypervisor.processors.acted(act, on: vcpu)
  }

  /// A recording has no values: nothing but the price is left of it.
  mutating func emulate() { spend(.emulatedStore) }

  /// Translates for the store with the rights in force. The walker's own stores need no translation of the guest's.
  mutating func store() {
    guard origin == .instruction else { return }
    do {
      try replay.storeInOpenView(ofRun: run, on: vcpu)
      if reachesSecondPage { try replay.storeInOpenView(ofRun: run + 1, on: vcpu) }
    } catch { failure = error }
  }

  mutating func openView(by means: SwitchMeans) {
    acts.note(Act(means))
    replay.hypervisor.openView(on: vcpu, by: means)
  }

  mutating func closeView(by means: SwitchMeans) {
    acts.note(Act(means))
    replay.hypervisor.closeView(on: vcpu, by: means)
  }

  mutating func exit(_ reason: ExitReason) {
    if let act = Act(reason) { acts.note(act) }
    replay.hypervisor.processors.exit(reason, on: vcpu)
  }
}
