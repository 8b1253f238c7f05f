/// Dinero's input: `LABEL ADDRESS [SIZE]`, the label 0 or r a load, 1 or w a store, 2 or i a fetch, others neither; addresses in
/// hexadecimal (Dinero IV manual page, "Input formats": din and extended din).
struct DineroLines: LineParser {
  let tool = "Dinero trace"
  let addresses: RecordingDescription.AddressSpace
  let columns: RecordingColumns = [.steps]
  let log = RecordedLog(time: .records, hasSizes: true)
  let record = "1 1f402a8"

  private var accesses: UInt64 = 0
  private var lacksSizes = false

  init(_ addresses: RecordingDescription.AddressSpace) { self.addresses = addresses }

  mutating func parse(_ line: UnsafeRawBufferPointer, into sink: inout ImportSink) throws(WriterFlaw) {
    var scanner = TextScanner(line)
    scanner.skipSpaces()
    if scanner.isAtEnd || scanner.peek == 0x23 { return }
    let expected = "\"LABEL ADDRESS\", the label 0 to 4, or r, w, i, m, c or v"
    guard let label = scanner.peek, Self.labels.contains(label) else { throw .line("no label", expected) }
    scanner.drop(1)
    guard scanner.peek == 0x20 || scanner.peek == 0x09 else { throw .line("no label", expected) }
    scanner.skipSpaces()
    guard let address = scanner.hexadecimal() else { throw .line("no address", expected) }
    scanner.skipSpaces()
    // What stands behind is the size in extended din, and a remark in din.
    var size = scanner.hexadecimal()
    scanner.skipSpaces()
    if !scanner.isAtEnd { size = nil }
    accesses &+= 1
    guard label == 0x31 || label == 0x77 else { return sink.understood() }
    if size == nil { lacksSizes = true }
    try sink.store(address, size ?? 1, vcpu: 0, count: accesses)
  }

  static let labels = Array("01234rwimcv".utf8)

  func finish(_ sink: inout ImportSink) {
    if lacksSizes { sink.log.hasSizes = false }
  }
}
