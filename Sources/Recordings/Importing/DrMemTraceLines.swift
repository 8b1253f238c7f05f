/// DynamoRIO's `drmemtrace -tool view` of any year: `THREAD write SIZE byte(s) @ ADDRESS by PC PC`, and as many other records
/// (DynamoRIO manual, "drcachesim", "View tool").
///
/// Before the thread stand, since 2022, a record's number, and since 2023 that of the instruction too, with a colon behind. In 2021 a store
/// did not say its instruction; the one printed before it is its.
struct DrMemTraceLines: LineParser {
  let tool = "DynamoRIO drmemtrace view"
  let addresses = RecordingDescription.AddressSpace.virtual
  let columns: RecordingColumns = [.steps, .linearPages, .instructionPointers]
  let notes = ["Each thread is a vCPU; all count the instructions of the whole log."]
  let log = RecordedLog(coverage: .everyStore, time: .instructions, hasSizes: true)
  let record = "47455 37775: 2765542 write 8 byte(s) @ 0x7ffd90c13950 by PC 0x40257d"

  private var tasks: LogTasks
  private var isInResults = false
  /// Instructions, where the log does not number them.
  private var instructions: UInt64 = 0
  private var pointers: [UInt64: UInt64] = [:]
  private var countsRecords = false

  init(tasks: Set<UInt64>) { self.tasks = LogTasks(chosen: tasks) }

  mutating func parse(_ line: UnsafeRawBufferPointer, into sink: inout ImportSink) throws(WriterFlaw) {
    var scanner = TextScanner(line)
    scanner.skipSpaces()
    if scanner.isAtEnd { return }
    if isInResults || Self.isFrame(scanner) {
      if scanner.take("View tool results:") { isInResults = true }
      if scanner.take("Output format:") { isInResults = false }
      return
    }
    let expected = "RECORD INSTRUCTION: THREAD and what it did"
    var number: UInt64?
    var instruction: UInt64?
    if let first = scanner.decimal() {
      number = first
      if !scanner.take(0x3a) {
        scanner.skipSpaces()
        guard let second = scanner.decimal(), scanner.take(0x3a) else { throw .line("no record", expected) }
        instruction = second
      }
      scanner.skipSpaces()
    }
    // The thread may stand behind its workload: W0.T1234.
    var workload: UInt64?
    if scanner.take(0x57) {
      workload = scanner.decimal()
      guard workload != nil, scanner.take(0x2e) else { throw .line("no thread", expected) }
    }
    guard scanner.take(0x54) || number != nil, let thread = scanner.decimal() else {
      throw .line(number == nil ? "no record" : "no thread", expected)
    }
    scanner.skipSpaces()
    let task = LogTasks.Name(task: thread, process: workload, name: UnsafeRawBufferPointer(start: nil, count: 0))
    try record(&scanner, task, number, instruction, &sink)
  }

  private mutating func record(
    _ scanner: inout TextScanner, _ task: LogTasks.Name, _ number: UInt64?, _ instruction: UInt64?,
    _ sink: inout ImportSink
  ) throws(WriterFlaw) {
    guard scanner.take("write ") else {
      sink.understood()
      if instruction == nil { self.instruction(&scanner, task.task) }
      return
    }
    scanner.skipSpaces()
    guard let size = scanner.decimal(), scanner.take(" byte(s) @ "), let address = scanner.hexadecimal() else {
      throw .line("no store", "write SIZE byte(s) @ ADDRESS by PC PC")
    }
    var pc = pointers[task.task] ?? 0
    if scanner.take(" by PC ") {
      guard let told = scanner.hexadecimal() else { throw .line("no store", "write SIZE byte(s) @ ADDRESS by PC PC") }
      pc = told
    } else if number != nil {
      throw .line("no store", "write SIZE byte(s) @ ADDRESS by PC PC")
    }
    guard tasks.isChosen(task) else { return sink.leaveOutOtherTask() }
    let vcpu = try tasks.vcpu(of: task, named: nil)
    // What is filtered may have numbers of records only.
    if instruction == nil, number != nil { countsRecords = true }
    try sink.linear(address, size, vcpu: vcpu, count: instruction ?? number ?? instructions, rip: pc)
    tasks.stored()
  }

  /// An instruction, in the view of 2021 `0xPC BYTES TEXT`.
  private mutating func instruction(_ scanner: inout TextScanner, _ thread: UInt64) {
    guard scanner.peek == 0x30, let pc = scanner.hexadecimal() else { return }
    instructions &+= 1
    if pointers.count < 1 << 16 { pointers[thread] = pc }
  }

  /// The lines around the records.
  private static func isFrame(_ line: TextScanner) -> Bool {
    var scanner = line
    return scanner.take("------") || scanner.take("Output format:") || scanner.take("<--record#")
      || scanner.take("<record#") || scanner.take("View tool results:")
  }

  var absence: (found: String, remedy: String)? {
    let others = tasks.othersText
    return others.isEmpty ? nil : ("only stores of \(others)", "choose one of them with --task")
  }

  func finish(_ sink: inout ImportSink) {
    sink.log.tasks = tasks.list
    if countsRecords { sink.log.time = .records }
  }
}
