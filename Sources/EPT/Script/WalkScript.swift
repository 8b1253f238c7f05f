import Addresses

/// The walk protocol: drives an EPT machine over a sparse memory from lines of text, one answer a query.
///
/// Feed it bytes as they come; it cuts them into lines. A line that is not understood answers `ERR line N: …` and changes nothing; the next one is
/// served all the same. What each line does is told in the article "The walk protocol".
public struct WalkScript {
  /// The machine that the lines configure and query.
  public var machine: EPTMachine<SparseMemory>
  /// How many lines answered `ERR`.
  public private(set) var failures = 0
  /// Stale translations found so far under a caching policy; taking them is the caller's business.
  package var staleTranslations: [StaleTranslation] = []

  private var lineNumber = 0
  private var carried: [UInt8] = []
  private var isSkipping = false
  private var isTracing = false
  private var seed: UInt64 = 0
  private var log = ReferenceLog()

  /// The longest line in bytes; a longer one answers `ERR`.
  package static let lineLimit = 1 << 16

  /// A machine with the protocol's defaults: all capabilities, 46 address bits, EPT and VM functions on, EPTP 1EH.
  public init(memory: SparseMemory = SparseMemory()) {
    var controls = Controls.ept
    controls.set(.enableVMFunctions, to: true)
    controls.vmFunctions = 1
    machine = EPTMachine(memory: memory, controls: controls)
    machine.guest.globalPages = false
  }

  /// Serves the whole lines of a piece of the script; the rest waits for the next piece.
  public mutating func feed(_ piece: UnsafeRawBufferPointer, _ answer: inout ScriptAnswer) {
    var rest = piece[...]
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      let line = UnsafeRawBufferPointer(rebasing: rest[rest.startIndex..<end])
      rest = rest[(end + 1)...]
      if carried.isEmpty && !isSkipping {
        serve(line, &answer)
      } else {
        carry(line)
        serveCarried(&answer)
      }
    }
    carry(UnsafeRawBufferPointer(rebasing: rest))
  }

  /// Serves a last line that has no line end.
  public mutating func finish(_ answer: inout ScriptAnswer) {
    if !carried.isEmpty || isSkipping { serveCarried(&answer) }
  }

  private mutating func carry(_ bytes: UnsafeRawBufferPointer) {
    if carried.count + bytes.count > Self.lineLimit {
      isSkipping = true
      carried = []
    }
    if !isSkipping { carried.append(contentsOf: bytes) }
  }

  private mutating func serveCarried(_ answer: inout ScriptAnswer) {
    let line = carried
    carried.removeAll(keepingCapacity: true)
    if isSkipping {
      isSkipping = false
      lineNumber += 1
      fail(ScriptError("longer than \(Self.lineLimit) bytes"), &answer)
    } else {
      line.withUnsafeBytes { serve($0, &answer) }
    }
  }

  /// Serves one line, without its line end.
  private mutating func serve(_ bytes: UnsafeRawBufferPointer, _ answer: inout ScriptAnswer) {
    lineNumber += 1
    do throws(ScriptError) {
      guard bytes.count <= Self.lineLimit else { throw ScriptError("longer than \(Self.lineLimit) bytes") }
      let line = try ScriptLine(bytes)
      guard line.count > 0 else { return }
      try perform(line, &answer)
    } catch {
      fail(error, &answer)
    }
  }

  private mutating func fail(_ error: ScriptError, _ answer: inout ScriptAnswer) {
    failures += 1
    answer.text("ERR line \(lineNumber): \(error.reason)\n")
  }

  private mutating func perform(_ line: ScriptLine, _ answer: inout ScriptAnswer) throws(ScriptError) {
    switch line.text(0) {
    case "gpa": try physicalAccess(line, &answer)
    case "la": try linearAccess(line, &answer)
    case "w64": try storeWord(line)
    case "r64":
      try line.expect("ADDR")
      answer.hex(machine.memory.load(try wordAddress(line)))
      answer.endLine()
    case "zero":
      try line.expect()
      machine.memory.clear()
    case "eptp":
      try line.expect("EPTP")
      let pointer = EPTPointer(try line.hex(1, "EPTP"))
      writeVMCS { $0.eptp = pointer }
    case "eptpok":
      try line.expect("EPTP")
      answer.text(EPTPointer(try line.hex(1, "EPTP")).isValid(on: machine.capabilities) ? "1\n" : "0\n")
    case "vmfunc": try vmfunc(line, &answer)
    case "invept":
      try line.expect("TYPE", "EPTP")
      let eptp = EPTPointer(try line.hex(2, "EPTP"))
      invalidation(machine.invept(type: try line.hex(1, "TYPE"), eptp: eptp), &answer)
    case "invvpid":
      try line.expect("TYPE", "VPID", "LADDR")
      let linear = GuestLinearAddress(try line.hex(3, "LADDR"))
      let (type, vpid) = (try line.hex(1, "TYPE"), try line.hex(2, "VPID"))
      invalidation(machine.invvpid(type: type, vpid: vpid, linear: linear), &answer)
    case "cap": machine.capabilities = try line.capabilities(machine.capabilities)
    case "ctl":
      let (controls, vpid) = try line.controls(machine.controls, machine.fields.vpid)
      writeVMCS { ($0.controls, $0.fields.vpid) = (controls, vpid) }
    case "reg": try setRegisters(line)
    case "movcr3": try moveToCR3(line, &answer)
    case "pdpte": try setPDPTE(line)
    case "policy": (machine.policies, seed) = try line.policies(machine.policies, seed)
    case "spptp", "pml", "veinfo", "eptplist":
      let fields = try line.fields(machine.fields)
      writeVMCS { $0.fields = fields }
    case "vmexit", "vmentry":
      try line.expect()
      machine.vmTransition()
    case "invlpg": try invlpg(line)
    case "invpcid": try invpcid(line, &answer)
    case "trace":
      try line.expect("0|1")
      guard let on = [0: false, 1: true][try line.hex(1, "trace")] else {
        throw ScriptError("trace is neither 0 nor 1")
      }
      isTracing = on
    default:
      throw ScriptError("unknown command '\(line.text(0))'; see `gi-bench walk --help`")
    }
  }
}

// MARK: Memory

extension WalkScript {
  private func wordAddress(_ line: ScriptLine) throws(ScriptError) -> HostPhysicalAddress {
    let address = try line.hex(1, "address")
    guard address & 7 == 0 else { throw ScriptError("address \(line.text(1)) is not a multiple of 8") }
    guard address >> 52 == 0 else { throw ScriptError("address \(line.text(1)) has more than 52 bits") }
    return HostPhysicalAddress(address)
  }

  private func storeWord(_ line: ScriptLine) throws(ScriptError) {
    try line.expect("ADDR", "VALUE")
    let address = try wordAddress(line)
    let value = try line.hex(2, "value")
    let refused = machine.memory.refusedStores
    machine.memory.store(value, at: address)
    guard machine.memory.refusedStores == refused else {
      throw ScriptError("the script has written to \(machine.memory.pageLimit) pages already, and more are not kept")
    }
  }
}

// MARK: Queries

extension WalkScript {
  private static let kinds: [String: AccessKind] = [
    "r": .read, "w": .write, "x": .fetch, "rw": .readWrite, "sr": [.read, .shadowStack], "sw": [.write, .shadowStack],
  ]

  private mutating func physicalAccess(_ line: ScriptLine, _ answer: inout ScriptAnswer) throws(ScriptError) {
    guard line.count >= 3 else { throw ScriptError("too few operands; expected `gpa GPA r|w|x|rw|sr|sw key=value…`") }
    guard var kind = Self.kinds[line.text(2)] else {
      throw ScriptError("access '\(line.text(2))'; expected r, w, x, rw, sr or sw")
    }
    kind.insert(.linear)
    let gpa = GuestPhysicalAddress(try line.hex(1, "GPA"))
    guard !machine.controls.has(.enableEPT) || !machine.regime.hasFiveLevels || gpa.rawValue >> 52 == 0 else {
      throw ScriptError("GPA \(line.text(1)) has more than 52 bits, the most that 5-level EPT translates")
    }
    var access = GuestAccess(gpa, kind)
    for pair in try line.pairs(from: 3) {
      switch pair.key {
      case "laddr": access.gla = GuestLinearAddress(try pair.number())
      case "lv": access.kind.set(.linear, to: try pair.flag())
      case "walk": access.kind.set(.pagingStructure, to: try pair.flag())
      case "user": access.kind.set(.userAddress, to: try pair.flag())
      case "wr": access.kind.set(.guestWritable, to: try pair.flag())
      case "nx": access.kind.set(.guestExecuteDisable, to: try pair.flag())
      case "sss":
        let isSupervisor = try pair.flag() && kind.contains(.shadowStack)
        access.kind.set(.onlySupervisor, to: isSupervisor)
      case "size": access.byteCount = UInt16(try pair.size())
      default: throw ScriptError("unknown key '\(pair.key)'; expected laddr, lv, walk, user, wr, nx, sss or size")
      }
    }
    guard gpa.pageOffset + UInt64(access.byteCount) <= 4096 else {
      throw ScriptError("the \(access.byteCount) bytes from GPA \(line.text(1)) on do not lie in one page; use `la`")
    }
    watched(&answer) { machine, log, answer in
      let (outcome, stale) = machine.examined(.physical(access), &log)
      answer.outcome(outcome)
      return stale.map { [$0] } ?? []
    }
  }

  private mutating func linearAccess(_ line: ScriptLine, _ answer: inout ScriptAnswer) throws(ScriptError) {
    guard line.count >= 3 else { throw ScriptError("too few operands; expected `la LADDR r|w|x|rw|sr|sw key=value…`") }
    guard var kind = Self.kinds[line.text(2)] else {
      throw ScriptError("access '\(line.text(2))'; expected r, w, x, rw, sr or sw")
    }
    let linear = GuestLinearAddress(try line.hex(1, "LADDR"))
    var (user, byteCount, isStack) = (false, 1, false)
    for pair in try line.pairs(from: 3) {
      switch pair.key {
      case "user": user = try pair.flag()
      case "size": byteCount = try pair.size()
      case "implicit": kind.set(.implicit, to: try pair.flag())
      case "stack": isStack = try pair.flag()
      default: throw ScriptError("unknown key '\(pair.key)'; expected user, size, implicit or stack")
      }
    }
    if kind.contains(.shadowStack) {
      guard machine.guest.shadowStacks, machine.guest.pagingMode != .off else {
        throw ScriptError("access '\(line.text(2))' needs shadow stacks and paging; set `reg cet=1` and a mode")
      }
    }
    user = user && !kind.contains(.implicit)
    kind.set(.onlySupervisor, to: kind.contains(.shadowStack) && !user)
    watched(&answer) { machine, log, answer in
      let (outcome, stale) = machine.examined(linear: linear, kind, user: user, byteCount: byteCount, &log)
      if case .notCanonical = outcome, isStack { answer.text("SS") } else { answer.outcome(outcome) }
      return stale
    }
  }

  /// Answers a query with what it stored and, under `trace 1`, read; the body gives the stale translations that answered it.
  mutating func watched(
    _ answer: inout ScriptAnswer,
    _ body: (inout EPTMachine<SparseMemory>, inout ReferenceLog, inout ScriptAnswer) -> [StaleTranslation]
  ) {
    log.removeAll()
    staleTranslations += body(&machine, &log, &answer)
    answer.effects(log.writes, pmlIndex: machine.fields.pmlIndex)
    if isTracing { answer.trace(log.references) }
  }

  private mutating func vmfunc(_ line: ScriptLine, _ answer: inout ScriptAnswer) throws(ScriptError) {
    try line.expect("EAX", "ECX")
    let (eax, ecx) = (try line.hex(1, "EAX"), try line.hex(2, "ECX"))
    // The instruction reads the low halves of RAX and RCX.
    answer.outcome(machine.vmfunc(eax: UInt32(truncatingIfNeeded: eax), ecx: UInt32(truncatingIfNeeded: ecx)))
    answer.effects([], pmlIndex: machine.fields.pmlIndex)
  }

  private func invalidation(_ outcome: InvalidationOutcome, _ answer: inout ScriptAnswer) {
    answer.text(outcome == .success ? "OK\n" : "FAIL 28\n")
  }
}

extension AccessKind {
  /// Sets or clears properties.
  mutating func set(_ properties: AccessKind, to on: Bool) {
    if on { formUnion(properties) } else { subtract(properties) }
  }
}
