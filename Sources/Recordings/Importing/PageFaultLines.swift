/// Text of ftrace, `trace-cmd report` or `perf script` with KVM's faults of stores.
///
/// `kvm_page_fault` has `vcpu V rip R address A error_code E`; kernels before 5.18 print address and code only. An exit of AMD's
/// processors by a nested page fault (`kvm_exit`, `reason npf` or `EXIT_NPF`) carries code and address as `info`; one by EPT_VIOLATION
/// does so only where a tool adds the address. Bit 1 of the code says that it was a store, be it an exit qualification (SDM
/// volume 3, "Exit Qualification for EPT Violations") or a page-fault error code.
struct PageFaultLines: LineParser {
  let tool = "KVM kvm_page_fault"
  let addresses = RecordingDescription.AddressSpace.guestPhysical
  let columns: RecordingColumns = [.steps, .instructionPointers]
  let record = "kvm_page_fault: vcpu V rip R address A error_code E"
  var log: RecordedLog { RecordedLog(coverage: .faults, time: .nanoseconds, hasSizes: false) }
  /// The VGA window, and from the I/O APIC to 4 GiB: HPET, local APICs, firmware. Stores there are no stores to RAM on any PC.
  let deviceWindows: [ClosedRange<UInt64>] = [0xa_0000...0xb_ffff, 0xfec0_0000...0xffff_ffff]

  private var start: UInt64?
  private var isInTicks = false
  private var tasks: LogTasks
  private var faults: UInt64 = 0
  private var exitsWithoutAddress: UInt64 = 0
  private var otherEvents: UInt64 = 0
  /// The first event that is none of KVM's.
  private var foreignEvent: String?

  /// What is known of a vCPU.
  private struct Processor {
    /// The address of the exit that was taken as a store, until the fault that belongs to it comes.
    var exit: UInt64?
    /// Where it exited, for faults that do not tell.
    var rip: UInt64 = 0
    /// The last fault.
    var last: (rip: UInt64, address: UInt64)?
  }
  private var processors = [Processor](repeating: Processor(), count: RecordingFormat.maximumVCPUs)

  init(tasks: Set<UInt64>) { self.tasks = LogTasks(chosen: tasks) }

  mutating func parse(_ line: UnsafeRawBufferPointer, into sink: inout ImportSink) throws(WriterFlaw) {
    var scanner = TextScanner(line)
    while scanner.find("kvm_") {
      let head = UnsafeRawBufferPointer(rebasing: line[..<(line.count - scanner.count - 4)])
      if scanner.take("page_fault:") { return try fault(head, &scanner, &sink) }
      if scanner.take("exit:") { return try exit(head, &scanner, &sink) }
      if head.last == 0x20 { otherEvents &+= 1 }
    }
    if LostEvents.read(line, into: &sink) { return }
    if foreignEvent == nil, faults == 0 { foreignEvent = Self.event(line) }
    try mark(line, &sink)
  }

  /// The name of the event in a line of a trace: what stands behind the time, up to a colon.
  private static func event(_ line: UnsafeRawBufferPointer) -> String? {
    var scanner = TextScanner(line)
    while scanner.find(": ") {
      let colon = line.count - scanner.count - 2
      scanner.skipSpaces()
      let name = scanner.field(upTo: 0x20)
      if colon > 0, line[colon - 1] &- 0x30 < 10, name.count > 1, name.last == 0x3a {
        return String(decoding: name.dropLast().prefix(40), as: UTF8.self)
      }
    }
    return nil
  }

  private mutating func fault(
    _ head: UnsafeRawBufferPointer, _ scanner: inout TextScanner, _ sink: inout ImportSink
  ) throws(WriterFlaw) {
    let event = EventFields(&scanner)
    guard let address = event.address, let code = event.code, scanner.isAtEnd else {
      throw .line("no fault", "\"address A error_code E\"")
    }
    let place = try TraceLineHead(head)
    guard let vcpu = try vcpu(event, place) else { return sink.leaveOutOtherTask() }
    let time = try count(place)
    faults &+= 1
    let rip = event.rip ?? processors[vcpu].rip
    // The exit before it was this fault.
    if processors[vcpu].exit == address {
      processors[vcpu].exit = nil
      return sink.understood()
    }
    try store(address, code, rip, vcpu, time, &sink)
  }

  private mutating func exit(
    _ head: UnsafeRawBufferPointer, _ scanner: inout TextScanner, _ sink: inout ImportSink
  ) throws(WriterFlaw) {
    let event = EventFields(&scanner)
    guard event.isNestedFault || event.isViolation else {
      otherEvents &+= 1
      return
    }
    let address = event.address ?? (event.isNestedFault ? event.info.1 : nil)
    let place = try TraceLineHead(head)
    guard let vcpu = try vcpu(event, place) else { return sink.leaveOutOtherTask() }
    processors[vcpu].rip = event.rip ?? 0
    processors[vcpu].exit = nil
    guard let address, let code = event.info.0 else {
      exitsWithoutAddress &+= 1
      return
    }
    let time = try count(place)
    faults &+= 1
    try store(address, code, event.rip ?? 0, vcpu, time, &sink)
    processors[vcpu].exit = address
  }

  private mutating func store(
    _ address: UInt64, _ code: UInt64, _ rip: UInt64, _ vcpu: Int, _ time: UInt64, _ sink: inout ImportSink
  ) throws(WriterFlaw) {
    guard code & 2 != 0 else { return sink.understood() }
    if rip != 0, let last = processors[vcpu].last, last == (rip, address) {
      sink.log.repeatedFaults = (sink.log.repeatedFaults ?? 0) + 1
    }
    processors[vcpu].last = (rip, address)
    try sink.physical(address, 1, vcpu: vcpu, count: time, rip: rip)
    tasks.stored()
  }

  /// The vCPU of an event; nil if its task is not wanted.
  private mutating func vcpu(_ event: EventFields, _ head: TraceLineHead) throws(WriterFlaw) -> Int? {
    if let vcpu = event.vcpu, vcpu >= UInt64(RecordingFormat.maximumVCPUs) {
      throw .line("vCPU \(vcpu)", "0 to \(RecordingFormat.maximumVCPUs - 1)")
    }
    let named = event.vcpu.map { Int($0) }
    guard let task = head.task else {
      guard let named else { throw .line("no task", "TASK-PID [CPU] before the time") }
      return named
    }
    return tasks.isChosen(task) ? try tasks.vcpu(of: task, named: named) : nil
  }

  private mutating func count(_ head: TraceLineHead) throws(WriterFlaw) -> UInt64 {
    let first = start ?? head.time
    start = first
    isInTicks = !head.isSeconds
    guard head.time >= first else { throw .line("a time before the first event", "a log in the order of time") }
    return head.time - first
  }

  /// `tracing_mark_write: TEXT`: what somebody wrote to tracefs' `trace_marker`.
  private mutating func mark(_ line: UnsafeRawBufferPointer, _ sink: inout ImportSink) throws(WriterFlaw) {
    var scanner = TextScanner(line)
    guard scanner.find("tracing_mark_write: ") else { return }
    let name = String(decoding: scanner.remaining.prefix(100), as: UTF8.self)
    // `trace-cmd report` writes the event's own name before it.
    var head = UnsafeRawBufferPointer(rebasing: line[..<(line.count - scanner.count - 20)])
    while head.last == 0x20 { head = UnsafeRawBufferPointer(rebasing: head.dropLast()) }
    if head.suffix(6).elementsEqual("print:".utf8) { head = UnsafeRawBufferPointer(rebasing: head.dropLast(6)) }
    let time = try count(TraceLineHead(head))
    try sink.mark(name, vcpu: 0, count: time)
  }

  func finish(_ sink: inout ImportSink) {
    sink.log.tasks = tasks.list
    if isInTicks { sink.log.time = .cycles }
  }

  var absence: (found: String, remedy: String)? {
    if faults > 0 { return nil }
    if exitsWithoutAddress > 0 {
      return (
        "\(exitsWithoutAddress) kvm_exit by EPT_VIOLATION, which carry no address, and no kvm_page_fault",
        "record the event kvm:kvm_page_fault as well"
      )
    }
    if otherEvents > 0 {
      return ("\(otherEvents) other KVM events, and no kvm_page_fault", "record the event kvm:kvm_page_fault as well")
    }
    if let foreignEvent {
      return ("only other events, such as \(foreignEvent)", "record the event kvm:kvm_page_fault")
    }
    let others = tasks.othersText
    return others.isEmpty ? nil : ("only events of \(others)", "choose one of them with --task")
  }
}

/// The fields of a KVM event, whatever of them a kernel writes and in whatever order.
private struct EventFields {
  var vcpu: UInt64?
  var rip: UInt64?
  var address: UInt64?
  var code: UInt64?
  /// The two words that an exit carries.
  var info: (UInt64?, UInt64?)
  var isNestedFault = false
  var isViolation = false

  /// Takes fields as long as it knows them.
  init(_ scanner: inout TextScanner) {
    // What today's kernels write of a fault.
    vcpu = scanner.number(named: "vcpu ", isDecimal: true)
    rip = scanner.number(named: "rip ")
    address = scanner.number(named: "address ")
    code = scanner.number(named: "error_code ")
    if scanner.isAtEnd { return }
    while true {
      scanner.skipSpaces()
      var field = scanner
      switch field.peek {
      case 0x76 where field.take("vcpu "): vcpu = field.decimal()
      case 0x61 where field.take("address "): address = field.hexadecimal()
      case 0x67 where field.take("gpa "): address = field.hexadecimal()
      case 0x65 where field.take("error_code "): code = field.hexadecimal()
      case 0x72 where field.take("rip "): rip = field.hexadecimal()
      case 0x72 where field.take("reason "):
        let reason = field.field(upTo: 0x20)
        isNestedFault = reason.elementsEqual("npf".utf8) || reason.elementsEqual("EXIT_NPF".utf8)
        isViolation = reason.elementsEqual("EPT_VIOLATION".utf8)
      case 0x69 where field.take("info1 "): info.0 = field.hexadecimal()
      case 0x69 where field.take("info2 "): info.1 = field.hexadecimal()
      case 0x69 where field.take("info "):
        info.0 = field.hexadecimal()
        field.skipSpaces()
        info.1 = field.hexadecimal()
      case 0x69 where field.take("intr_info "): _ = field.hexadecimal()
      default: return
      }
      // Commas stand between the fields of some kernels' events.
      _ = field.take(0x2c)
      scanner = field
    }
  }
}
