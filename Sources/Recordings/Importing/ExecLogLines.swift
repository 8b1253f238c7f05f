/// QEMU's execlog plugin: `VCPU, PC, OPCODE, "DISASSEMBLY"`, then for each access `, load` or `, store` and the address; in system
/// emulation the physical address and the device (QEMU manual, "TCG plugins", "Execution log").
struct ExecLogLines: LineParser {
  let isPhysical: Bool
  let tool = "QEMU execlog"
  var addresses: RecordingDescription.AddressSpace { isPhysical ? .guestPhysical : .virtual }
  var columns: RecordingColumns {
    isPhysical ? [.steps, .instructionPointers] : [.steps, .linearPages, .instructionPointers]
  }
  var notes: [String] { isPhysical ? ["Stores to devices are left out."] : [] }
  let log = RecordedLog(coverage: .everyStore, time: .instructions, hasSizes: false)
  var record: String { "0, 0x401000, 0x50, \"push rax\", store, 0x7ffe0008" + (isPhysical ? ", RAM" : "") }

  private var counts = [UInt64](repeating: 0, count: RecordingFormat.maximumVCPUs)

  init(isPhysical: Bool) { self.isPhysical = isPhysical }

  mutating func parse(_ line: UnsafeRawBufferPointer, into sink: inout ImportSink) throws(WriterFlaw) {
    var scanner = TextScanner(line)
    if scanner.isAtEnd { return }
    guard let vcpu = scanner.decimal(), vcpu < UInt64(RecordingFormat.maximumVCPUs), scanner.take(", "),
      let pc = scanner.hexadecimal(), scanner.find("\""), scanner.find("\"")
    else { throw .line("no instruction", "VCPU, PC, OPCODE, \"DISASSEMBLY\"") }
    // All of the line is looked at before any of it is written.
    let accesses = scanner
    while scanner.take(", ") { _ = scanner.field(upTo: 0x2c) }
    guard scanner.isAtEnd, !Self.holdsAnother(accesses) else {
      throw .line(
        "a torn line (older execlog plugins write text and newline apart, so lines of vCPUs run together)",
        "\", load\" or \", store\" and an address behind the instruction")
    }
    counts[Int(vcpu)] &+= 1
    sink.understood()
    scanner = accesses
    while scanner.take(", ") {
      guard scanner.take("store, ") else {
        _ = scanner.field(upTo: 0x2c)
        continue
      }
      guard let address = scanner.hexadecimal() else { throw .line("no address", "an address behind \"store\"") }
      if isPhysical {
        guard scanner.take(", ") else { throw .line("no device", "the device behind an address of system emulation") }
        let device = scanner.field(upTo: 0x2c)
        guard device.elementsEqual("RAM".utf8) else {
          sink.deviceStore()
          continue
        }
        try sink.physical(address, 1, vcpu: Int(vcpu), count: counts[Int(vcpu)], rip: pc)
      } else {
        try sink.linear(address, 1, vcpu: Int(vcpu), count: counts[Int(vcpu)], rip: pc)
      }
    }
    guard scanner.isAtEnd else { throw .line("text behind the accesses", "\", load\" or \", store\" and an address") }
  }

  /// Whether another instruction begins behind this one: only a disassembly stands in quotes.
  private static func holdsAnother(_ accesses: TextScanner) -> Bool {
    var scanner = accesses
    return scanner.find("\"")
  }
}
