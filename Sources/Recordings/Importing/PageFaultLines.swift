/// ftrace text with KVM's `kvm_page_fault` events: `TASK-PID [CPU] FLAGS SECONDS: kvm_page_fault: vcpu V rip R address A
/// error_code E`; kernels before 5.18 print address and code only. Bit 1 of the code says that it was a store, be it an exit
/// qualification (SDM volume 3, "Exit Qualification for EPT Violations") or a page-fault error code.
struct PageFaultLines: LineParser {
  let tool = "KVM kvm_page_fault"
  let addresses = RecordingDescription.AddressSpace.guestPhysical
  let columns: RecordingColumns = [.steps, .instructionPointers]
  let notes = [
    "Only stores that faulted in the host's tables are in the log, not every store.",
    "The log has no sizes: each store counts as one byte.",
    "Instruction counts are nanoseconds since the log's first event.",
  ]

  private var start: UInt64?
  /// vCPUs by the number of their task, for logs that do not name them.
  private var tasks: [UInt64: Int] = [:]

  mutating func parse(_ line: UnsafeRawBufferPointer, into writer: RecordingWriter) throws(WriterFlaw) {
    var scanner = TextScanner(line)
    // Other events and ftrace's own header are no concern of ours.
    guard scanner.find("kvm_page_fault: ") else { return }
    let head = UnsafeRawBufferPointer(rebasing: line[..<(line.count - scanner.count - 16)])
    let vcpu: Int
    var rip: UInt64 = 0
    if scanner.take("vcpu ") {
      guard let named = scanner.decimal(), named < UInt64(RecordingFormat.maximumVCPUs), scanner.take(" rip "),
        let address = scanner.hexadecimal(), scanner.take(" ")
      else { throw .line("no vCPU", "\"vcpu V rip R address A error_code E\"") }
      (vcpu, rip) = (Int(named), address)
    } else {
      vcpu = try self.vcpu(of: head)
    }
    guard scanner.take("address "), let address = scanner.hexadecimal(), scanner.take(" error_code "),
      let code = scanner.hexadecimal(), scanner.isAtEnd
    else { throw .line("no fault", "\"address A error_code E\"") }
    let time = try nanoseconds(head)
    if start == nil { start = time }
    guard code & 2 != 0 else { return }
    guard let start, time >= start else { throw .line("a time before the first event", "a log in the order of time") }
    try writer.append(
      vcpu: vcpu, count: time - start, gpa: address, gva: address, size: 1, rip: rip, value: nil, rest: nil)
  }

  /// `…-PID [CPU] …`: a vCPU for each task, in the order they appear.
  private mutating func vcpu(of head: UnsafeRawBufferPointer) throws(WriterFlaw) -> Int {
    guard let bracket = head.firstIndex(of: 0x5b) else { throw .line("no task", "TASK-PID [CPU] before the time") }
    let task = head[..<bracket]
    guard let dash = task.lastIndex(of: 0x2d) else { throw .line("no task", "TASK-PID [CPU] before the time") }
    var scanner = TextScanner(UnsafeRawBufferPointer(rebasing: task[(dash + 1)...]))
    guard let pid = scanner.decimal() else { throw .line("no task number", "TASK-PID [CPU] before the time") }
    if let known = tasks[pid] { return known }
    guard tasks.count < RecordingFormat.maximumVCPUs else { throw .line("one more task", "at most 256") }
    tasks[pid] = tasks.count
    return tasks.count - 1
  }

  /// `… SECONDS.FRACTION: ` at the end of the head.
  private func nanoseconds(_ head: UnsafeRawBufferPointer) throws(WriterFlaw) -> UInt64 {
    let expected = "SECONDS.FRACTION: before the event"
    guard let colon = head.lastIndex(of: 0x3a) else { throw .line("no time", expected) }
    let time = head[..<colon]
    let first = time.lastIndex(of: 0x20).map { $0 + 1 } ?? 0
    var scanner = TextScanner(UnsafeRawBufferPointer(rebasing: time[first...]))
    guard let seconds = scanner.decimal(), seconds < 1 << 32, scanner.take(0x2e) else {
      throw .line("no time", expected)
    }
    let digits = scanner.count
    guard digits <= 9, let fraction = scanner.decimal(), scanner.isAtEnd else { throw .line("no time", expected) }
    return seconds * 1_000_000_000 + (0..<(9 - digits)).reduce(fraction) { value, _ in value * 10 }
  }
}
