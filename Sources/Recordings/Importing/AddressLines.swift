/// A store a line: `ADDRESS`, or `ADDRESS,SIZE`, in hexadecimal behind `0x` or decimal. A first line of names, empty lines and comments
/// behind `#` are left out.
struct AddressLines: LineParser {
  let tool = "list of addresses"
  let addresses: RecordingDescription.AddressSpace
  let columns: RecordingColumns = [.steps]
  let log = RecordedLog(time: .records, hasSizes: true)
  let record = "0x1f402a8,8"

  private var stores: UInt64 = 0
  private var lacksSizes = false
  private var hasBegun = false

  init(_ addresses: RecordingDescription.AddressSpace) { self.addresses = addresses }

  mutating func parse(_ line: UnsafeRawBufferPointer, into sink: inout ImportSink) throws(WriterFlaw) {
    var scanner = TextScanner(line)
    scanner.skipSpaces()
    if scanner.isAtEnd || scanner.peek == 0x23 { return }
    if !hasBegun {
      hasBegun = true
      var name = scanner
      if name.take("addr") || name.take("Addr") || name.take("gpa") { return }
    }
    let expected = "\"ADDRESS\" or \"ADDRESS,SIZE\", hexadecimal behind 0x or decimal"
    guard let address = scanner.number() else { throw .line("no address", expected) }
    scanner.skipSpaces()
    var size: UInt64?
    if scanner.take(0x2c) || scanner.take(0x3b) {
      scanner.skipSpaces()
      size = scanner.number()
      if size == nil { throw .line("no size", expected) }
      scanner.skipSpaces()
    }
    guard scanner.isAtEnd else { throw .line("more behind the address", expected) }
    stores &+= 1
    if size == nil { lacksSizes = true }
    try sink.store(address, size ?? 1, vcpu: 0, count: stores)
  }

  func finish(_ sink: inout ImportSink) {
    if lacksSizes { sink.log.hasSizes = false }
  }
}
