/// Pin's example tool `pinatrace`: `PC: W ADDRESS`, R for a load; a later one adds size and value (Pin user guide, "Memory
/// Reference Trace").
struct PinLines: LineParser {
  let tool = "Pin pinatrace"
  let addresses = RecordingDescription.AddressSpace.virtual
  let columns: RecordingColumns = [.steps, .linearPages, .instructionPointers]
  let notes = ["Threads are not told apart: all stores are vCPU 0's."]
  var log: RecordedLog { RecordedLog(coverage: .everyStore, time: .records, hasSizes: true) }
  let record = "0x7f21c01df2d0: W 0x7ffd6a0d2f38"

  private var accesses: UInt64 = 0
  private var lacksSizes = false

  mutating func parse(_ line: UnsafeRawBufferPointer, into sink: inout ImportSink) throws(WriterFlaw) {
    var scanner = TextScanner(line)
    scanner.skipSpaces()
    // Comments, `#eof` among them.
    if scanner.isAtEnd || scanner.peek == 0x23 { return }
    let expected = "\"PC: R ADDRESS\" or \"PC: W ADDRESS\""
    guard let pc = scanner.pointer(), scanner.take(": ") else { throw .line("no access", expected) }
    let isStore = scanner.take(0x57)
    guard isStore || scanner.take(0x52), scanner.take(0x20) else { throw .line("no access", expected) }
    scanner.skipSpaces()
    guard let address = scanner.pointer() else { throw .line("no address", expected) }
    scanner.skipSpaces()
    let size = scanner.decimal()
    guard size != nil || scanner.isAtEnd else { throw .line("text behind the address", expected + ", and a size") }
    accesses &+= 1
    guard isStore else { return sink.understood() }
    if size == nil { lacksSizes = true }
    // A size of 0 stands for one that the tool did not know.
    try sink.linear(address, max(size ?? 1, 1), vcpu: 0, count: accesses, rip: pc)
  }

  func finish(_ sink: inout ImportSink) {
    if lacksSizes { sink.log.hasSizes = false }
  }
}

extension TextScanner {
  /// What C's `%p` writes.
  mutating func pointer() -> UInt64? { take("(nil)") ? 0 : hexadecimal() }
}
