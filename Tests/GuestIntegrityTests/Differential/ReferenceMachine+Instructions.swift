import GuestIntegrity

/// Instructions: each is fetched first, and what it raises in integrity mode ends that.
extension ReferenceMachine {
  /// Where an instruction lies, and at which privilege it is executed.
  struct Origin {
    var rip: UInt64
    var user = false
    /// Foreign code is stopped at its fetch in integrity mode: there are two table sets, and one lets GI code alone be executed.
    var isFetchChecked = true
  }

  /// Fetches an instruction and does what it does.
  private mutating func execute(
    _ origin: Origin, on vcpu: Int, _ body: (inout ReferenceMachine) -> Outcome
  ) -> Outcome {
    var outcome: Outcome
    switch translate(origin.rip, .fetch, user: origin.user, on: vcpu) {
    case .fault(let vector): outcome = .fault(vector)
    case .at(let address):
      if origin.isFetchChecked && !code.contains(address / 4096) && processors[vcpu].isInside {
        fault(.foreignFetch, on: vcpu)
        // Fetched again, by the tables that are in force by now.
        if case .fault(let vector) = translate(origin.rip, .fetch, user: origin.user, on: vcpu) {
          return .fault(vector)
        }
      }
      outcome = body(&self)
    }
    if case .fault = outcome { fault(.exception, on: vcpu) }
    return outcome
  }

  mutating func noOperation(_ origin: Origin, on vcpu: Int) -> Outcome { execute(origin, on: vcpu) { _ in .done } }

  mutating func load(_ linear: UInt64, _ origin: Origin, on vcpu: Int) -> Outcome {
    execute(origin, on: vcpu) {
      switch $0.translate(linear, .read, user: origin.user, on: vcpu) {
      case .fault(let vector): .fault(vector)
      case .at(let address): .value($0.words[Int(address / 8)])
      }
    }
  }

  mutating func store(_ bytes: [UInt8], at linear: UInt64, _ origin: Origin, on vcpu: Int) -> Outcome {
    execute(origin, on: vcpu) { $0.perform(bytes, at: linear, origin, on: vcpu) }
  }

  mutating func add(_ addend: UInt64, to linear: UInt64, _ origin: Origin, on vcpu: Int) -> Outcome {
    execute(origin, on: vcpu) {
      switch $0.translate(linear, .read, user: origin.user, on: vcpu) {
      case .fault(let vector): return .fault(vector)
      case .at(let address):
        let sum = $0.words[Int(address / 8)] &+ addend
        return $0.perform((0..<8).map { UInt8(sum / (1 << ($0 * 8)) % 256) }, at: linear, origin, on: vcpu)
      }
    }
  }

  private mutating func perform(_ bytes: [UInt8], at linear: UInt64, _ origin: Origin, on vcpu: Int) -> Outcome {
    let first: UInt64
    switch translate(linear, .write, user: origin.user, on: vcpu) {
    case .fault(let vector): return .fault(vector)
    case .at(let address): first = address
    }
    var second: UInt64?
    let next = (linear / 4096 + 1) &* 4096
    if linear % 4096 + UInt64(bytes.count) > 4096 {
      switch translate(next, .write, user: origin.user, on: vcpu) {
      case .fault(let vector): return .fault(vector)
      case .at(let address): second = address
      }
    }
    return store(bytes, at: first, and: second, on: vcpu, poster: vcpu)
  }

  /// INVLPG, or MOV to CR3 of what it holds: there is nothing to invalidate; in integrity mode the latter ends it.
  mutating func loadCR3(_ origin: Origin, on vcpu: Int) -> Outcome {
    execute(origin, on: vcpu) {
      $0.fault(.controlRegisterWrite, on: vcpu)
      return .done
    }
  }

  /// VM functions are disabled: #UD.
  mutating func vmfunc(_ origin: Origin, on vcpu: Int) -> Outcome { execute(origin, on: vcpu) { _ in .fault(6) } }

  // MARK: Hypercalls

  /// One hypercall with its arguments.
  struct Call {
    var number: HypercallNumber
    var rdi: UInt64 = 0
    var rsi: UInt64 = 0
    var rdx: UInt64 = 0
    var r10: UInt64 = 0
    /// RFLAGS.IF.
    var interruptsEnabled = false
  }

  mutating func hypercall(_ call: Call, _ origin: Origin, on vcpu: Int, entry: UInt64, exit: UInt64) -> Outcome {
    execute(origin, on: vcpu) { machine in
      guard case .at(let address) = machine.translate(origin.rip, .fetch, user: origin.user, on: vcpu) else {
        return .fault(14)
      }
      if !machine.code.contains(address / 4096) { machine.fault(.foreignFetch, on: vcpu) }
      let isInside = machine.processors[vcpu].isInside
      let result: HypercallError?
      switch call.number {
      case .query: return .answered(machine.query(call.rdi))
      case .enter:
        result =
          isInside
          ? .wrongMode
          : origin.user
            ? .notSupervisor
            : call.interruptsEnabled
              ? .interruptsEnabled
              : origin.rip != entry ? .wrongEntryAddress : nil
        if result == nil { machine.enter(vcpu) }
      case .exit:
        result = !isInside ? .wrongMode : origin.rip != exit ? .wrongExitAddress : nil
        if result == nil { machine.leave(vcpu) }
      case .initialise: result = .alreadyInitialised
      case .protect, .unprotect, .setAction, .donateNode, .shutdown:
        result = !isInside ? .wrongMode : origin.user ? .notSupervisor : machine.change(call)
      }
      // Calls out of place are alerts; arguments that cannot be served are none.
      let quiet: [HypercallError] = [
        .invalidRange, .outsideGuestMemory, .overlapsProtected, .reservedActions, .invalidRegion, .notProtected,
      ]
      if let result, !quiet.contains(result) {
        machine.alerts.append(
          Alert(
            cause: call.number == .enter ? .entry : .hypercall, vcpu: vcpu, isInside: isInside, address: address,
            detail: result.rawValue))
      }
      return .answered(result?.rawValue ?? 0)
    }
  }

  /// Actions in bits 11:0, kind and region above; 0 for a page that nobody monitors.
  private func query(_ page: UInt64) -> Int64 {
    if page >= 1 << 63 { return HypercallError.unknownCounter.rawValue }
    if page >= pageCount { return HypercallError.outsideGuestMemory.rawValue }
    guard let status = status(page) else { return 0 }
    let kind: Int64 =
      status.cause == .protectedPage ? 1 : status.cause == .treePage ? 2 : status.cause == .giCode ? 3 : 4
    return Int64(status.actions) + kind * 4096 + Int64(status.region) * 65536
  }

  /// GI_PROTECT, GI_UNPROTECT, GI_SET_ACTION: nil if the call is executed.
  private mutating func change(_ call: Call) -> HypercallError? {
    if call.number == .shutdown { return .shutdownNotAllowed }
    let (end, isWrapped) = call.rdi.addingReportingOverflow(call.rsi)
    if call.rsi == 0 || isWrapped || call.rdi >= 1 << 52 || end > 1 << 52 { return .invalidRange }
    if end > pageCount { return .outsideGuestMemory }
    let range = call.rdi..<end
    if range.overlaps(code) || range.overlaps(data) { return .overlapsGuestIntegrity }
    if range.overlaps(nodes) { return .overlapsTree }
    if call.number == .donateNode { return range.contains { claims[$0] != nil } ? .overlapsProtected : nil }
    if call.number != .unprotect && call.rdx > 0x1ff { return .reservedActions }
    if call.r10 > 0xffff || (call.number == .protect && call.r10 == 0) { return .invalidRegion }
    if call.number == .protect {
      // What a region asks for a page adds up.
      for page in range { claims[page, default: [:]][call.r10, default: 0] |= call.rdx }
      return nil
    }
    // Region 0 is every region's claim.
    func isMeant(_ region: UInt64) -> Bool { call.r10 == 0 || region == call.r10 }
    let claimed = range.filter { claims[$0]?.keys.contains(where: isMeant) == true }
    if claimed.isEmpty { return .notProtected }
    for page in claimed {
      for region in claims[page].map({ Array($0.keys) }) ?? [] where isMeant(region) {
        claims[page]?[region] = call.number == .unprotect ? nil : call.rdx
      }
      if claims[page]?.isEmpty == true { claims[page] = nil }
    }
    return nil
  }
}
