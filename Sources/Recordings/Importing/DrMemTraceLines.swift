/// DynamoRIO's `drmemtrace -tool view`: `RECORD INSTRUCTION: THREAD write SIZE byte(s) @ ADDRESS by PC PC`, and as many other records
/// (DynamoRIO manual, "drcachesim", "View tool").
struct DrMemTraceLines: LineParser {
  let tool = "DynamoRIO drmemtrace view"
  let addresses = RecordingDescription.AddressSpace.virtual
  let columns: RecordingColumns = [.steps, .linearPages, .instructionPointers]
  let notes = [
    "Each thread is a vCPU; all count the instructions of the whole log.",
    "A store of more than 64 bytes is several writes.",
  ]

  private var frames = FirstTouchFrames()
  private var threads: [UInt64: Int] = [:]
  private var isInRecords = false

  mutating func parse(_ line: UnsafeRawBufferPointer, into writer: RecordingWriter) throws(WriterFlaw) {
    var scanner = TextScanner(line)
    scanner.skipSpaces()
    if scanner.take("------") {
      isInRecords = true
      return
    }
    if scanner.isAtEnd { return }
    guard isInRecords else { return }
    if scanner.take("View tool results:") {
      isInRecords = false
      return
    }
    guard scanner.decimal() != nil else { throw .line("no record", "RECORD INSTRUCTION: THREAD and what it did") }
    scanner.skipSpaces()
    guard let instruction = scanner.decimal(), scanner.take(0x3a) else {
      throw .line("no instruction number", "RECORD INSTRUCTION: THREAD and what it did")
    }
    scanner.skipSpaces()
    // The thread may stand behind its workload: W0.T1234.
    if scanner.take("W"), scanner.decimal() != nil { _ = scanner.take(0x2e) }
    _ = scanner.take("T")
    guard let thread = scanner.decimal() else { throw .line("no thread", "a thread number") }
    scanner.skipSpaces()
    guard scanner.take("write ") else { return }
    scanner.skipSpaces()
    guard let size = scanner.decimal(), scanner.take(" byte(s) @ "), let address = scanner.hexadecimal(),
      scanner.take(" by PC "), let pc = scanner.hexadecimal()
    else { throw .line("no store", "write SIZE byte(s) @ ADDRESS by PC PC") }
    let vcpu = threads[thread] ?? threads.count
    guard vcpu < RecordingFormat.maximumVCPUs else { throw .line("one more thread", "at most 256") }
    threads[thread] = vcpu
    try frames.store(address, size, vcpu: vcpu, count: instruction, rip: pc, into: writer)
  }
}
