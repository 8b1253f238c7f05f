import Addresses

/// Our own comma-separated values, one record a line, numbers decimal or hexadecimal behind `0x`:
///
/// ```
/// kind,vcpu,count,gpa,size                       and any of ,gva ,rip ,value ,rest in this order
/// write,VCPU,COUNT,GPA,SIZE[,GVA][,RIP][,VALUE][,REST]   an unknown value and a rest that follows are empty
/// hypercall,VCPU,COUNT,NUMBER,RDI,RSI,RDX,R10,RIP,RIPGPA,RFLAGS,CPL,CR3
/// cr3,VCPU,COUNT,VALUE
/// map,VCPU,COUNT,CR3,LINEAR,SHIFT,ENTRY[,PML4E,PDPTE,PDE]
/// mark,VCPU,COUNT,ID,RIP
/// halt,VCPU,COUNT
/// control,VCPU,COUNT,REGISTER,VALUE                      register 0 for CR0, 4 for CR4, 0xc0000080 for IA32_EFER
/// load,VCPU,COUNT,GPA,ACCESSES[,GVA]                     behind a line "# columns: loads"
/// fetch,VCPU,COUNT,GPA,ACCESSES[,GVA]                    behind a line "# columns: fetches", or "# columns: loads,fetches"
/// ```
///
/// The first line names the fields of a write, and so says which columns the trace gets. Lines that begin with `#` are left out, but
/// for `# recording: JSON` before that line, which is the description of the recording, and `# columns: NAMES`.
struct CSVLines: LineParser {
  static let names = "kind,vcpu,count,gpa,size"

  /// What the description of a recording stands behind.
  static let recordingMark: StaticString = "# recording: "

  /// What the columns besides those of a write stand behind.
  static let columnsMark: StaticString = "# columns: "

  let tool = "CSV"
  var addresses: RecordingDescription.AddressSpace { recording?.addresses ?? .guestPhysical }
  let columns: RecordingColumns
  var log: RecordedLog { RecordedLog() }
  let record = "write,0,1,0x1000,8"
  let recording: RecordingDescription?
  /// All that a run can name: what was exported comes back as it was.
  let physicalLimit: UInt64 = 1 << 44
  private let hasLinear: Bool
  private let hasPointer: Bool
  private let hasValue: Bool
  private let hasRest: Bool

  /// Reads the lines up to the names of the fields.
  init(of lines: LineReader) throws(RecordingError) {
    var recording: RecordingDescription?
    var more: RecordingColumns = []
    var header = try lines.next()
    while let line = header, line.first == 0x23 {
      var scanner = TextScanner(line)
      if scanner.take(Self.recordingMark) { recording = try RecordingDescription(json: scanner.remaining, of: lines) }
      if scanner.take(Self.columnsMark) {
        let names = String(decoding: scanner.remaining.prefix(200), as: UTF8.self).split(separator: ",")
        for column in RecordingColumns.ofVersion2.columns where names.contains(Substring(column.name)) {
          more.insert(RecordingColumns(column))
        }
      }
      header = try lines.next()
    }
    self.recording = recording
    let text = header.map { String(decoding: $0.prefix(200), as: UTF8.self) } ?? ""
    var fields = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)[...]
    let isHeader = fields.prefix(5).joined(separator: ",") == Self.names
    fields = fields.dropFirst(5)
    func next(_ name: String) -> Bool {
      guard fields.first == name else { return false }
      fields = fields.dropFirst()
      return true
    }
    hasLinear = next("gva")
    hasPointer = next("rip")
    hasValue = next("value")
    hasRest = next("rest")
    guard isHeader, fields.isEmpty else {
      throw RecordingError(
        .input, file: lines.name, line: max(lines.number, 1), found: "\"\(text)\"",
        expected: "\"\(Self.names)\" and any of gva, rip, value, rest in this order",
        remedy: "put that line first; `gi-bench trace convert --to csv` writes it")
    }
    columns = RecordingColumns.steps
      .union(hasLinear ? .linearPages : []).union(hasPointer ? .instructionPointers : [])
      .union(hasValue ? .values : []).union(more)
  }

  mutating func parse(_ line: UnsafeRawBufferPointer, into sink: inout ImportSink) throws(WriterFlaw) {
    var scanner = TextScanner(line)
    if scanner.take("write,") { return try write(&scanner, &sink) }
    if scanner.isAtEnd || scanner.peek == 0x23 { return }
    if scanner.take("hypercall,") { return try sink.event(.hypercall(try hypercall(&scanner))) }
    if scanner.take("cr3,") {
      let (vcpu, count) = try start(&scanner)
      return try sink.event(.cr3(.init(vcpu: vcpu, count: count, value: try last(&scanner))))
    }
    if scanner.take("map,") {
      let (vcpu, count) = try start(&scanner)
      var mapping = RecordedEvent.LinearMapping(
        vcpu: vcpu, count: count, cr3: try next(&scanner), linear: GuestLinearAddress(try next(&scanner)),
        pageShift: Int(truncatingIfNeeded: try next(&scanner)), entry: 0)
      guard let entry = scanner.number() else { throw .line("no entry", "a number of at most 64 bits") }
      mapping.entry = entry
      if scanner.take(0x2c) {
        mapping.tables = .init(pml4e: try next(&scanner), pdpte: try next(&scanner), pde: try last(&scanner))
      }
      guard scanner.isAtEnd else { throw .line("more fields", "four of a mapping, or seven") }
      return try sink.event(.map(mapping))
    }
    if scanner.take("mark,") {
      let (vcpu, count) = try start(&scanner)
      return try sink.event(
        .mark(.init(vcpu: vcpu, count: count, id: try next(&scanner), rip: GuestLinearAddress(try last(&scanner)))))
    }
    if scanner.take("load,") { return try sink.accesses(try accesses(.load, &scanner)) }
    if scanner.take("fetch,") { return try sink.accesses(try accesses(.fetch, &scanner)) }
    if scanner.take("halt,") {
      let vcpu = try next(&scanner)
      return try sink.event(.halt(.init(vcpu: Int(clamping: min(vcpu, 1 << 20)), count: try last(&scanner))))
    }
    if scanner.take("control,") {
      let (vcpu, count) = try start(&scanner)
      guard let register = RecordedEvent.ControlRegister(rawValue: try next(&scanner)) else {
        throw .line("no known register", "0 for CR0, 4 for CR4, 0xc0000080 for IA32_EFER")
      }
      return try sink.event(
        .control(.init(vcpu: vcpu, count: count, register: register, value: try last(&scanner))))
    }
    throw .line("no known kind", "write, hypercall, cr3, map, mark, halt, control, load or fetch")
  }

  private func accesses(_ kind: RecordedAccesses.Kind, _ scanner: inout TextScanner) throws(WriterFlaw)
    -> RecordedAccesses
  {
    let (vcpu, count) = try start(&scanner)
    let gpa = try next(&scanner)
    guard let accesses = scanner.number() else { throw .line("no number of accesses", "a number") }
    let linear = scanner.isAtEnd ? nil : try field(&scanner)
    guard scanner.isAtEnd else { throw .line("more fields", "five, and the linear address") }
    return RecordedAccesses(
      kind: kind, vcpu: vcpu, count: count, page: GuestPhysicalAddress(gpa).page, linearPage: linear.map { $0 >> 12 },
      accesses: Int(clamping: accesses))
  }

  private func write(_ scanner: inout TextScanner, _ sink: inout ImportSink) throws(WriterFlaw) {
    let (vcpu, count) = try start(&scanner)
    let gpa = try next(&scanner)
    guard let size = scanner.number() else { throw .line("no size", "a number") }
    let gva = hasLinear ? try field(&scanner) : gpa
    let rip = hasPointer ? try field(&scanner) : 0
    var value: (low: UInt64, high: UInt64)?
    if hasValue {
      guard scanner.take(0x2c) else { throw .line("no value", "a hexadecimal number, or an empty field") }
      if let next = scanner.peek, next != 0x2c {
        value = scanner.wideHexadecimal()
        if value == nil { throw .line("no value", "a hexadecimal number of at most 128 bits, or an empty field") }
      }
    }
    var rest: UInt64?
    if hasRest {
      guard scanner.take(0x2c) else { throw .line("no rest", "a page number, or an empty field") }
      if !scanner.isAtEnd {
        rest = scanner.number()
        if rest == nil { throw .line("no rest", "a page number, or an empty field") }
      }
    }
    guard scanner.isAtEnd else { throw .line("more fields", "as many as the first line names") }
    guard size <= UInt64(Place.maximumSize) else { throw .line("size \(size)", "1 to \(Place.maximumSize) bytes") }
    try sink.physical(
      gpa, size, vcpu: vcpu, count: count, gva: gva, rip: rip, value: value, rest: rest)
  }

  private func hypercall(_ scanner: inout TextScanner) throws(WriterFlaw) -> RecordedEvent.Hypercall {
    let (vcpu, count) = try start(&scanner)
    return RecordedEvent.Hypercall(
      vcpu: vcpu, count: count, number: try next(&scanner),
      arguments: .init(
        rdi: try next(&scanner), rsi: try next(&scanner), rdx: try next(&scanner), r10: try next(&scanner)),
      rip: GuestLinearAddress(try next(&scanner)), ripAddress: GuestPhysicalAddress(try next(&scanner)),
      rflags: try next(&scanner), cpl: Int(truncatingIfNeeded: min(try next(&scanner), 99)), cr3: try last(&scanner))
  }

  private func start(_ scanner: inout TextScanner) throws(WriterFlaw) -> (vcpu: Int, count: UInt64) {
    let vcpu = try next(&scanner)
    return (Int(truncatingIfNeeded: min(vcpu, 1 << 20)), try next(&scanner))
  }

  /// A number and the comma behind it.
  private func next(_ scanner: inout TextScanner) throws(WriterFlaw) -> UInt64 {
    guard let number = scanner.number(), scanner.take(0x2c) else {
      throw .line("a field that is no number", "a number of at most 64 bits, and as many fields as the kind has")
    }
    return number
  }

  /// A comma and the number behind it.
  private func field(_ scanner: inout TextScanner) throws(WriterFlaw) -> UInt64 {
    guard scanner.take(0x2c), let number = scanner.number() else {
      throw .line(
        "a field that is no number", "a number of at most 64 bits, and as many fields as the first line names")
    }
    return number
  }

  private func last(_ scanner: inout TextScanner) throws(WriterFlaw) -> UInt64 {
    guard let number = scanner.number(), scanner.isAtEnd else {
      throw .line("a last field that is no number", "a number of at most 64 bits, and as many fields as the kind has")
    }
    return number
  }
}
