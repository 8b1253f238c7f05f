/// Traces for simulators of memory: `ADDRESS COMMAND [CYCLE]`, the command `WRITE` and `READ` (DRAMSim3), `P_MEM_WR`, `P_MEM_RD`, `P_FETCH`
/// and others (DRAMSim2), `W` and `R` (Ramulator). A write is the write-back of a cache line of 64 bytes.
struct MemoryControllerLines: LineParser {
  let tool = "memory simulator's trace"
  let addresses: RecordingDescription.AddressSpace
  let columns: RecordingColumns = [.steps]
  let notes = ["Each write counts as its whole line of 64 bytes."]
  var log: RecordedLog { RecordedLog(coverage: .writeBacks, time: .cycles, hasSizes: true) }
  let record = "0x1f402a80 WRITE 310"

  private var accesses: UInt64 = 0
  private var lacksTimes = false

  init(_ addresses: RecordingDescription.AddressSpace) { self.addresses = addresses }

  mutating func parse(_ line: UnsafeRawBufferPointer, into sink: inout ImportSink) throws(WriterFlaw) {
    var scanner = TextScanner(line)
    scanner.skipSpaces()
    if scanner.isAtEnd || scanner.peek == 0x23 { return }
    let expected = "\"ADDRESS COMMAND CYCLE\", the command READ, WRITE, P_MEM_RD, P_MEM_WR, R, W or the like"
    guard let address = scanner.hexadecimal() else { throw .line("no address", expected) }
    scanner.skipSpaces()
    guard let isWrite = Self.isWrite(scanner.field(upTo: 0x20)) else { throw .line("no command", expected) }
    scanner.skipSpaces()
    let cycle = scanner.decimal()
    scanner.skipSpaces()
    guard scanner.isAtEnd else { throw .line("more behind the cycle", expected) }
    accesses &+= 1
    if cycle == nil { lacksTimes = true }
    guard isWrite else { return sink.understood() }
    try sink.store(address & ~63, 64, vcpu: 0, count: cycle ?? accesses)
  }

  /// Whether a command writes; nil for a word that is none.
  static func isWrite(_ word: UnsafeRawBufferPointer) -> Bool? {
    for name in writes where word.elementsEqual(name.utf8) { return true }
    for name in others where word.elementsEqual(name.utf8) { return false }
    return nil
  }

  private static let writes = ["WRITE", "W", "P_MEM_WR", "P_LOCK_WR", "write"]
  private static let others = [
    "READ", "R", "P_MEM_RD", "P_LOCK_RD", "P_FETCH", "IFETCH", "BOFF", "P_INT_ACK", "P_I/O_RD", "P_I/O_WR", "read",
  ]

  func finish(_ sink: inout ImportSink) {
    if lacksTimes { sink.log.time = .records }
  }
}
