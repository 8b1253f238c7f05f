import Addresses
import MonitorTree

// The bytes of a snapshot: magic, version, number of bytes, then the fields of `Snapshot` in order, then an XXH3-64 of all
// that precedes. They come from elsewhere, so each field is checked for what a hypervisor can have written.
extension Snapshot {
  /// The version of the format, raised with every change of it.
  static let version: UInt32 = 2
  /// "GI-STATE".
  private static let magic: UInt64 = 0x4554_4154_532d_4947
  private static let lengthOffset = 12
  private static let headerBytes = 20
  private static let mostPages: UInt64 = 1 << 28

  /// The snapshot as bytes, for another host or a file.
  public var bytes: [UInt8] {
    Self.sealed { put(in: &$0) }
  }

  /// Fields as a snapshot, right or not: what precedes them, the fields, what follows.
  static func sealed(_ fields: (inout SnapshotWriter) -> Void) -> [UInt8] {
    var writer = SnapshotWriter()
    writer.put(magic)
    writer.put(version)
    writer.put(UInt64(0))
    fields(&writer)
    writer.seal(lengthAt: lengthOffset)
    return writer.bytes
  }

  private func put(in writer: inout SnapshotWriter) {
    for name in [mechanism.switching, mechanism.noticing, mechanism.completion] { writer.put(name) }
    writer.put(sets.reduce(UInt8(0)) { $0 | 1 << $1.rawValue })
    writer.put(pageCount)
    writer.put(vcpus) { $0.put($1) }
    writer.put(registration) { $0.put($1) }
    for number in Counters.Number.allCases { writer.put(counters[number]) }
    writer.put(machine.run.rawValue)
    writer.put(machine.isIsolated)
    writer.put(UInt64(machine.snapshotsRequested))
    writer.put(lastWindow)
    writer.put(isShutDown)
    writer.put(base.rawValue)
    writer.put(UInt8(traceClients))
    writer.put(traces) { writer, run in
      writer.put(run.range)
      writer.put(run.clients.intersection(.guestIntegrity).rawValue)
      for count in run.counts { writer.put(count) }
    }
    writer.put(unmapped) { $0.put($1) }
  }

  /// A snapshot from its bytes, whoever they come from.
  public init(bytes: [UInt8]) throws(SnapshotError) {
    var header = SnapshotReader(bytes[...])
    guard bytes.count >= Self.headerBytes + 8, try header.take("magic") == Self.magic else { throw .notASnapshot }
    let version = try header.take("version", as: UInt32.self)
    guard version == Self.version else { throw .otherVersion(version) }
    let length = try header.take("length", as: UInt64.self)
    guard length == UInt64(bytes.count) else { throw .otherLength(found: bytes.count, expected: length) }
    var end = SnapshotReader(bytes[(bytes.count - 8)...])
    guard try end.take("digest") == digest(of: bytes[..<(bytes.count - 8)]) else { throw .damaged }
    var reader = SnapshotReader(bytes[header.offset..<(bytes.count - 8)])
    try self.init(from: &reader)
    guard reader.isAtEnd else { throw reader.invalid("what follows the last field") }
  }

  private init(from reader: inout SnapshotReader) throws(SnapshotError) {
    mechanism = MechanismNames(
      switching: try reader.takeName("switching"), noticing: try reader.takeName("noticing"),
      completion: try reader.takeName("completion"))
    let sets = try reader.take("table sets") { (bits: UInt8) in
      bits & 1 == 1 && bits < 8 ? TableSet.allCases.filter { bits & 1 << $0.rawValue != 0 } : nil
    }
    self.sets = sets
    let pages = try reader.take("number of pages") { (number: UInt64) in
      (1...Self.mostPages).contains(number) ? number : nil
    }
    pageCount = pages
    vcpus = try reader.takeArray("number of vCPUs", atMost: HostLayout.maximumVCPUs, elementBytes: 4) {
      (reader) throws(SnapshotError) in try reader.takeVCPU(sets: sets)
    }
    let isRegistered = try reader.takeBool("registration")
    registration = isRegistered ? try reader.takeRegistration(pages: pages) : nil
    var values: [UInt64] = []
    for _ in Counters.Number.allCases { values.append(try reader.take("counter")) }
    guard let counters = Counters(values: values) else { throw reader.invalid("counters") }
    self.counters = counters
    machine = MachineState()
    machine.run = try reader.take("state of the machine") { MachineState.Run(rawValue: $0) }
    machine.isIsolated = try reader.takeBool("isolation")
    machine.snapshotsRequested = try reader.take("snapshots requested") { (number: UInt64) in Int(exactly: number) }
    lastWindow = try reader.take("time of the last window")
    isShutDown = try reader.takeBool("shutdown")
    let isShutDown = isShutDown
    base = try reader.take("base pointer") { (word: UInt64) in
      word == 0 || isRegistered && !isShutDown ? NodeReference(rawValue: word) : nil
    }
    let clients = try reader.take("number of trace clients") { (number: UInt8) in number <= 6 ? Int(number) : nil }
    traceClients = clients
    traces = try reader.takeArray("traces", atMost: Int(pages), elementBytes: 17) { (reader) throws(SnapshotError) in
      let range = try reader.takeRange("traced pages", pages: pages)
      let own = try reader.take("trace") { (bits: UInt8) in bits <= 3 ? ClientSet(rawValue: bits) : nil }
      var counts: [UInt16] = []
      for _ in 0..<clients { counts.append(try reader.take("traces of a client")) }
      return TraceRun(range: range, guestIntegrity: own, counts: counts)
    }
    unmapped = try reader.takeArray("unmapped pages", atMost: Int(pages), elementBytes: 16) {
      (reader) throws(SnapshotError) in try reader.takeRange("unmapped pages", pages: pages)
    }
    let modes = vcpus.map(\.mode)
    guard isAscending(traces.map(\.range)), isAscending(unmapped) else { throw reader.invalid("order of pages") }
    guard !vcpus.isEmpty, isRegistered || modes.allSatisfy({ $0 == .normal }) else { throw reader.invalid("modes") }
    guard !(isRegistered && isShutDown) else { throw reader.invalid("shutdown") }
  }

  private func isAscending(_ ranges: [PageRange]) -> Bool {
    zip(ranges, ranges.dropFirst()).allSatisfy { $0.last < $1.first }
  }
}

// MARK: - Parts

extension SnapshotWriter {
  fileprivate mutating func put(_ name: String) {
    let bytes = name.utf8.prefix(64)
    put(UInt8(bytes.count))
    for byte in bytes { put(byte) }
  }

  fileprivate mutating func put(_ range: PageRange) {
    put(range.first.rawValue)
    put(range.count)
  }

  fileprivate mutating func put(_ vcpu: VirtualCPU) {
    put(vcpu.mode.rawValue)
    put(vcpu.activeSet.rawValue)
    put(vcpu.saved) { writer, saved in
      for word in [saved.cr3, saved.rsp, saved.idtBase, saved.idtLimit] { writer.put(word) }
    }
    put(vcpu.enteredAt) { $0.put($1) }
  }

  fileprivate mutating func put(_ registration: Registration) {
    put(registration.code)
    put(registration.data)
    for gate in [registration.entry, registration.exit] {
      put(gate.address.rawValue)
      put(gate.page.rawValue)
    }
    put(registration.context) { writer, context in for word in context.words { writer.put(word) } }
    put(registration.slabs) { $0.put($1) }
  }
}

extension SnapshotReader {
  /// A name of 1 to 64 printable ASCII characters.
  fileprivate mutating func takeName(_ field: String) throws(SnapshotError) -> String {
    let start = self
    let length = try take(field) { (count: UInt8) in (1...64).contains(count) ? count : nil }
    var bytes: [UInt8] = []
    for _ in 0..<length { bytes.append(try take(field)) }
    guard bytes.allSatisfy({ (0x20..<0x7f).contains($0) }) else { throw start.invalid(field) }
    return String(decoding: bytes, as: UTF8.self)
  }

  fileprivate mutating func takeRange(_ field: String, pages: UInt64) throws(SnapshotError) -> PageRange {
    let start = self
    let first = try take(field, as: UInt64.self)
    guard let range = PageRange(first: GuestPageNumber(first), count: try take(field)), range.last.rawValue < pages
    else { throw start.invalid(field) }
    return range
  }

  fileprivate mutating func takeVCPU(sets: [TableSet]) throws(SnapshotError) -> VirtualCPU {
    var vcpu = VirtualCPU()
    vcpu.mode = try take("mode of a vCPU") { Mode(rawValue: $0) }
    vcpu.activeSet = try take("table set of a vCPU") { number in sets.first { $0.rawValue == number } }
    vcpu.saved = try takeOptional("saved registers") { (reader) throws(SnapshotError) in
      ContextRegisters(
        cr3: try reader.take("CR3"), rsp: try reader.take("RSP"), idtBase: try reader.take("IDT base"),
        idtLimit: try reader.take("IDT limit"))
    }
    vcpu.enteredAt = try takeOptional("time of entry") { (reader) throws(SnapshotError) in
      try reader.take("time of entry")
    }
    return vcpu
  }

  fileprivate mutating func takeRegistration(pages: UInt64) throws(SnapshotError) -> Registration {
    let code = try takeRange("GI code", pages: pages)
    let data = try takeRange("GI data", pages: pages)
    let entry = try takeGate("entry", code)
    let exit = try takeGate("exit", code)
    var registration = Registration(code: code, data: data, entry: entry, exit: exit)
    registration.context = try takeOptional("private context") { (reader) throws(SnapshotError) in
      var words: [UInt64] = []
      for _ in 0..<PrivateContext.wordCount { words.append(try reader.take("private context")) }
      guard let context = PrivateContext(words: words, data: data) else { throw reader.invalid("private context") }
      return context
    }
    registration.slabs = try takeArray("donated pages", atMost: Int(pages), elementBytes: 16) {
      (reader) throws(SnapshotError) in try reader.takeRange("donated pages", pages: pages)
    }
    let own = ([code] + registration.ownPages).sorted { $0.first < $1.first }
    guard zip(own, own.dropFirst()).allSatisfy({ !$0.overlaps($1) }) else { throw invalid("pages of guest integrity") }
    return registration
  }

  private mutating func takeGate(_ field: String, _ code: PageRange) throws(SnapshotError) -> Registration.Gate {
    let address = GuestLinearAddress(try take(field))
    let page = try take(field) { (number: UInt64) in
      code.contains(GuestPageNumber(number)) ? GuestPageNumber(number) : nil
    }
    return Registration.Gate(address: address, page: page)
  }
}
