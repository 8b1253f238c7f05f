import Addresses

/// One line of our JSON: a flat object, taken apart without a copy.
struct JSONEvent {
  /// The keys that mean something; the raw values are their letters, the first one lowest.
  private enum Key: UInt64 {
    case kind = 0x646e696b
    case vcpu = 0x75706376
    case count = 0x746e756f63
    case time = 0x656d6974
    case gpa = 0x617067
    case gva = 0x617667
    case size = 0x657a6973
    case rip = 0x706972
    case value = 0x65756c6176
    case rest = 0x74736572
    case task = 0x6b736174
    case process = 0x737365636f7270
    case name = 0x656d616e
    case mark = 0x6b72616d
    case lost = 0x74736f6c
    case id = 0x6469
    case number = 0x7265626d756e
    case rdi = 0x696472
    case rsi = 0x697372
    case rdx = 0x786472
    case r10 = 0x303172
    case ripgpa = 0x617067706972
    case rflags = 0x7367616c6672
    case cpl = 0x6c7063
    case cr3 = 0x337263
    case linear = 0x7261656e696c
    case shift = 0x7466696873
    case entry = 0x7972746e65
    case pml4e = 0x65346c6d70
    case pdpte = 0x6574706470
    case pde = 0x656470
    case register = 0x7265747369676572
    case accesses = 0x7365737365636361
  }

  /// What happened, where the line says so.
  var kind: UnsafeRawBufferPointer?
  var vcpu: UInt64 = 0
  var count: UInt64?
  var gpa: UInt64?
  var gva: UInt64?
  var size: UInt64 = 1
  var hasSize = false
  var rip: UInt64 = 0
  var value: (low: UInt64, high: UInt64)?
  var rest: UInt64?
  var task: UInt64?
  var process: UInt64?
  /// The name of a task, or of a mark.
  var name: UnsafeRawBufferPointer?
  var mark: UnsafeRawBufferPointer?
  var lost: UInt64?
  /// The numbers that only rare events have, by key.
  private var others: [(key: Key, number: UInt64)] = []

  /// Takes a line apart; throws what is wrong with it.
  init(_ line: UnsafeRawBufferPointer) throws(WriterFlaw) {
    var scanner = TextScanner(line)
    scanner.skipSpaces()
    guard scanner.take(0x7b) else { throw .line("no object", "{...}, one object a line") }
    scanner.skipSpaces()
    var isLast = scanner.take(0x7d)
    while !isLast {
      guard let name = scanner.fieldName() else { throw .line("no name of a field", "\"NAME\": and a value") }
      try take(Key(rawValue: name), &scanner)
      guard let isEnd = scanner.fieldEnd() else { throw .line("no end of the object", "a comma and a field, or }") }
      isLast = isEnd
    }
    scanner.skipSpaces()
    guard scanner.isAtEnd else { throw .line("more behind the object", "one object a line") }
  }

  private mutating func take(_ key: Key?, _ scanner: inout TextScanner) throws(WriterFlaw) {
    guard let key else { return try Self.skip(&scanner) }
    switch key {
    case .kind: kind = try Self.text(&scanner)
    case .name: name = try Self.text(&scanner)
    case .mark: mark = try Self.text(&scanner)
    case .value: value = try Self.wide(&scanner)
    case .gpa: gpa = try Self.number(&scanner)
    case .gva: gva = try Self.number(&scanner)
    case .vcpu: vcpu = try Self.number(&scanner) ?? 0
    case .count, .time: count = try Self.number(&scanner)
    case .size:
      let known = try Self.number(&scanner)
      hasSize = known != nil
      size = known ?? 1
    case .rip: rip = try Self.number(&scanner) ?? 0
    case .rest: rest = try Self.number(&scanner)
    case .task: task = try Self.number(&scanner)
    case .process: process = try Self.number(&scanner)
    case .lost: lost = try Self.number(&scanner) ?? 0
    default: if let number = try Self.number(&scanner) { others.append((key, number)) }
    }
  }

  /// A number that only rare events have.
  private func other(_ key: Key) throws(WriterFlaw) -> UInt64 {
    guard let found = others.last(where: { $0.key == key }) else {
      throw .line("no \"\(key)\"", "every field of such an event")
    }
    return found.number
  }

  /// A number: digits, or a text of them, decimal or hexadecimal behind 0x; nil for null.
  private static func number(_ scanner: inout TextScanner) throws(WriterFlaw) -> UInt64? {
    if let number = scanner.fieldNumber() { return number }
    guard scanner.take("null") else {
      throw .line("a field that is no number", "a whole number of at most 64 bits, or a text such as \"0x1000\"")
    }
    return nil
  }

  private static func wide(_ scanner: inout TextScanner) throws(WriterFlaw) -> (low: UInt64, high: UInt64)? {
    if scanner.take("null") { return nil }
    if scanner.peek != 0x22 { return try number(&scanner).map { ($0, 0) } }
    scanner.drop(1)
    guard let value = scanner.wideHexadecimal(), scanner.take(0x22) else {
      throw .line("no value", "a text of a hexadecimal number of at most 128 bits")
    }
    return value
  }

  private static func text(_ scanner: inout TextScanner) throws(WriterFlaw) -> UnsafeRawBufferPointer {
    guard let text = scanner.fieldText() else { throw .line("a field that is no text", "a text in quotes") }
    return text
  }

  /// Skips the value of a field that means nothing here.
  private static func skip(_ scanner: inout TextScanner) throws(WriterFlaw) {
    var depth = 0
    repeat {
      scanner.skipSpaces()
      switch scanner.peek {
      case 0x22: _ = try text(&scanner)
      case 0x7b, 0x5b:
        depth += 1
        scanner.drop(1)
      case 0x7d, 0x5d:
        guard depth > 0 else { throw .line("no value", "a value behind the colon") }
        depth -= 1
        scanner.drop(1)
      case 0x2c where depth > 0, 0x3a where depth > 0: scanner.drop(1)
      case nil: throw .line("no end of the object", "a comma and a field, or }")
      default:
        var letters = 0
        while let byte = scanner.peek, isWord(byte) {
          scanner.drop(1)
          letters += 1
        }
        if letters == 0 { throw .line("no value", "a value behind the colon") }
      }
    } while depth > 0
  }

  /// Whether a byte may be in a number or in true, false, null.
  private static func isWord(_ byte: UInt8) -> Bool {
    byte &- 0x30 < 10 || byte | 0x20 &- 0x61 < 26 || byte == 0x2b || byte == 0x2d || byte == 0x2e
  }

  /// The text without escapes.
  static func unescaped(_ text: UnsafeRawBufferPointer) -> String {
    var bytes: [UInt8] = []
    var isEscaped = false
    for byte in text.prefix(400) {
      if !isEscaped, byte == 0x5c {
        isEscaped = true
        continue
      }
      isEscaped = false
      bytes.append(byte)
    }
    return String(String(decoding: bytes, as: UTF8.self).prefix(100))
  }
}

extension JSONEvent {
  /// Whether a kind is that of a store.
  static func isWrite(_ kind: UnsafeRawBufferPointer) -> Bool {
    var scanner = TextScanner(kind)
    return scanner.take("write") && scanner.isAtEnd
  }

  /// Loads or fetches, where the kind says so.
  func accesses(kind: UnsafeRawBufferPointer, vcpu: Int, count: UInt64) throws(WriterFlaw) -> RecordedAccesses? {
    guard let kind = RecordedAccesses.Kind.allCases.first(where: { kind.elementsEqual($0.rawValue.utf8) }) else {
      return nil
    }
    guard let gpa else { throw .line("no address", "\"gpa\" in every load and fetch") }
    let number = others.contains { $0.key == .accesses } ? try other(.accesses) : 1
    return RecordedAccesses(
      kind: kind, vcpu: vcpu, count: count, page: GuestPhysicalAddress(gpa).page, linearPage: gva.map { $0 >> 12 },
      accesses: Int(clamping: number))
  }

  /// An event that is neither a store nor a named mark, by its kind.
  func event(kind: UnsafeRawBufferPointer, vcpu: Int, count: UInt64) throws(WriterFlaw) -> RecordedEvent {
    if kind.elementsEqual("cr3".utf8) { return .cr3(.init(vcpu: vcpu, count: count, value: try other(.cr3))) }
    if kind.elementsEqual("mark".utf8) {
      return .mark(.init(vcpu: vcpu, count: count, id: try other(.id), rip: .init(rip)))
    }
    if kind.elementsEqual("map".utf8) {
      var mapping = RecordedEvent.LinearMapping(
        vcpu: vcpu, count: count, cr3: try other(.cr3), linear: .init(try other(.linear)),
        pageShift: Int(truncatingIfNeeded: min(try other(.shift), 99)), entry: try other(.entry))
      if others.contains(where: { $0.key == .pml4e }) {
        mapping.tables = .init(pml4e: try other(.pml4e), pdpte: try other(.pdpte), pde: try other(.pde))
      }
      return .map(mapping)
    }
    if kind.elementsEqual("hypercall".utf8) {
      return .hypercall(
        .init(
          vcpu: vcpu, count: count, number: try other(.number),
          arguments: .init(
            rdi: try other(.rdi), rsi: try other(.rsi), rdx: try other(.rdx), r10: try other(.r10)),
          rip: .init(rip), ripAddress: .init(try other(.ripgpa)), rflags: try other(.rflags),
          cpl: Int(truncatingIfNeeded: min(try other(.cpl), 99)), cr3: try other(.cr3)))
    }
    if kind.elementsEqual("halt".utf8) { return .halt(.init(vcpu: vcpu, count: count)) }
    if kind.elementsEqual("control".utf8) {
      guard let register = RecordedEvent.ControlRegister(rawValue: try other(.register)) else {
        throw .line("no known register", "0 for CR0, 4 for CR4, 0xc0000080 for IA32_EFER")
      }
      guard let value, value.high == 0 else { throw .line("no value of 64 bits", "\"value\", a hexadecimal text") }
      return .control(.init(vcpu: vcpu, count: count, register: register, value: value.low))
    }
    throw .line("no known kind", "write, hypercall, cr3, map, mark, halt, control, load or fetch")
  }
}
