import Addresses
import EPTTables
import MonitorTree

extension Hypervisor {
  /// Executes a hypercall of a vCPU and returns what RAX holds afterwards.
  ///
  /// Under ``EPTPByVMFUNC`` GI_ENTER (unless entry is checked) and GI_EXIT stand for VMFUNC executed at their
  /// place. A call from outside GI code in integrity mode ends that mode first (``IntegrityFault/foreignFetch``), and is
  /// executed in normal mode.
  public func hypercall(_ call: Hypercall, on vcpu: Int) -> HypercallResult {
    guard monitor.vcpus.indices.contains(vcpu) else { return .refused(.noSuchVCPU) }
    guard monitor.machine.run == .running else { return .refused(.notRunning) }
    let number = HypercallNumber(rawValue: call.number)
    switch number {
    case .enter where configuration.entersByVMFUNC: return vmfunc(to: .integrity, by: call, on: vcpu)
    case .exit where configuration.switching.isByVMFUNC: return vmfunc(to: .normal, by: call, on: vcpu)
    default: break
    }
    endIfForeign(call.ripAddress, rip: call.rip, on: vcpu, time: call.time)
    processors.exit(.hypercall, on: vcpu)
    drainModificationLog(of: vcpu, time: call.time)
    do throws(HypercallError) {
      guard let number else { throw .unknownCall }
      return try execute(number, call, on: vcpu)
    } catch {
      monitor.counters[.hypercallsRefused] += 1
      if error.raisesAlert {
        monitor.raise(
          number == .enter ? .entry : .hypercall, on: vcpu, actions: configuration.hypercallActions,
          address: call.ripAddress, rip: call.rip, detail: Int32(error.rawValue), time: call.time)
      }
      return .refused(error)
    }
  }

  private func execute(
    _ number: HypercallNumber, _ call: Hypercall, on vcpu: Int
  ) throws(HypercallError) -> HypercallResult {
    if number.isMutating { try checkDriver(call, on: vcpu) }
    switch number {
    case .initialise: try initialise(call, on: vcpu)
    case .enter: try enter(call, on: vcpu)
    case .exit: try leave(call, on: vcpu)
    case .protect: try protect(call, on: vcpu)
    case .unprotect: try unprotect(call, on: vcpu)
    case .setAction: try setAction(call, on: vcpu)
    case .donateNode: try donate(call, on: vcpu)
    case .query: return try query(call, on: vcpu)
    case .shutdown: try shutdown(on: vcpu)
    }
    return .success
  }

  /// The mode is examined before anything else of a call that changes what is protected.
  private func checkDriver(_ call: Hypercall, on vcpu: Int) throws(HypercallError) {
    guard monitor.registration != nil else { throw .notInitialised }
    guard monitor.vcpus[vcpu].mode == .integrity else { throw .wrongMode }
    guard call.cpl == 0 else { throw .notSupervisor }
  }

  private func initialise(_ call: Hypercall, on vcpu: Int) throws(HypercallError) {
    guard monitor.registration == nil, !monitor.isShutDown else { throw .alreadyInitialised }
    guard call.cpl == 0 else { throw .notSupervisor }
    guard let code = PackedRange(rawValue: call.rdi).range, let data = PackedRange(rawValue: call.rsi).range else {
      throw .invalidRange
    }
    guard monitor.memory.contains(code), monitor.memory.contains(data) else { throw .outsideGuestMemory }
    guard !code.overlaps(data) else { throw .overlapsGuestIntegrity }
    let page = call.ripAddress.page
    guard code.contains(page) else { throw .outsideGICode }
    guard
      let entry = Registration.Gate(GuestLinearAddress(call.rdx), seenFrom: call.rip, on: page, in: code),
      let exit = Registration.Gate(GuestLinearAddress(call.r10), seenFrom: call.rip, on: page, in: code)
    else { throw .invalidEntryPoint }
    try trace(.add(.protection), code, on: vcpu)
    do throws(HypercallError) {
      try trace(.add(.ownPages), data, on: vcpu)
      try setExecution(of: code, true, on: vcpu)
    } catch {
      try? trace(.drop(.protection), code, on: vcpu)
      try? trace(.drop(.ownPages), data, on: vcpu)
      throw error
    }
    var registration = Registration(code: code, data: data, entry: entry, exit: exit)
    registration.context = privateContext(in: data)
    monitor.registration = registration
    fillEPTPList(true)
    monitor.lastWindow = call.time
  }

  /// The private context that the driver describes at the start of its data, if it does.
  private func privateContext(in data: PageRange) -> PrivateContext? {
    guard let frame = monitor.tracing.tables.frame(of: data.first) else { return nil }
    let words = (0..<PrivateContext.wordCount).map { memory.load(frame.qword($0)) }
    return PrivateContext(words: words, data: data)
  }

  private func query(_ call: Hypercall, on vcpu: Int) throws(HypercallError) -> HypercallResult {
    guard monitor.registration != nil else { throw .notInitialised }
    guard call.rdi >> 63 == 0 else {
      guard let number = Counters.Number(rawValue: call.rdi & ~(1 << 63)) else { throw .unknownCounter }
      return .answer(monitor.counter(number, freePages: writer.counters.freePages))
    }
    guard call.rdi < UInt64(monitor.memory.pageCount) else { throw .outsideGuestMemory }
    let status = monitor.status(of: GuestPageNumber(call.rdi))
    processors.treeNodesVisited(status.nodesVisited, on: vcpu)
    guard status.corruptNode == nil else { throw .corruptTree }
    return .answer(PageAnswer(status).rawValue)
  }

  /// Lets GI code be executed in the sets where nothing else may, or not any more.
  func setExecution(of code: PageRange, _ allowed: Bool, on vcpu: Int) throws(HypercallError) {
    do throws(TableError) {
      try settling(from: vcpu) { (debt: inout InvalidationDebt) throws(TableError) in
        try openView?.setExecution(of: code, allowed, owing: &debt)
        guard configuration.stripsExecution else { return }
        try monitor.tracing.tables.edit(
          code, normal: .none, integrity: allowed ? .grant(.execute) : .withdraw(.execute), owing: &debt)
      }
    } catch { throw .outOfTablePages }
  }

  /// Changes traces of guest integrity and settles what that owes.
  func trace(_ change: TraceMap.Change, _ range: PageRange, on vcpu: Int) throws(HypercallError) {
    do throws(TableError) {
      try settling(from: vcpu) { (debt: inout InvalidationDebt) throws(TableError) in
        try monitor.tracing.apply(change, to: range, owing: &debt)
      }
    } catch { throw .outOfTablePages }
  }
}

extension HypercallError {
  /// Whether the call could be an attack: one out of place, rather than one with arguments that cannot be served.
  var raisesAlert: Bool {
    switch self {
    case .unknownCall, .notInitialised, .alreadyInitialised, .wrongMode, .notSupervisor, .outsideGICode,
      .invalidEntryPoint, .wrongEntryAddress, .wrongEntryPage, .interruptsEnabled, .deliveringEvent,
      .singleStepArmed, .notLongMode, .entryPageNotTraced, .wrongExitAddress, .shutdownNotAllowed, .corruptTree,
      .overlapsGuestIntegrity, .overlapsTree, .noSuchSet:
      true
    case .invalidRange, .outsideGuestMemory, .overlapsProtected, .reservedActions, .invalidRegion, .tooManyOwners,
      .outOfNodePages, .outOfTablePages, .noTree, .notProtected, .unknownCounter, .notRunning, .noSuchVCPU:
      false
    }
  }
}
