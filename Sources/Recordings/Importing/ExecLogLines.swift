/// QEMU's execlog plugin: `VCPU, PC, OPCODE, "DISASSEMBLY"`, then for each access `, load` or `, store` and the address; in system
/// emulation the physical address and the device (QEMU manual, "TCG plugins", "Execution log").
struct ExecLogLines: LineParser {
  let isPhysical: Bool
  let tool = "QEMU execlog"
  var addresses: RecordingDescription.AddressSpace { isPhysical ? .guestPhysical : .virtual }
  var columns: RecordingColumns {
    isPhysical ? [.steps, .instructionPointers] : [.steps, .linearPages, .instructionPointers]
  }
  let notes = ["The log has no sizes: each store counts as one byte.", "Stores to devices are left out."]

  private var frames = FirstTouchFrames()
  private var counts = [UInt64](repeating: 0, count: RecordingFormat.maximumVCPUs)

  init(isPhysical: Bool) { self.isPhysical = isPhysical }

  mutating func parse(_ line: UnsafeRawBufferPointer, into writer: RecordingWriter) throws(WriterFlaw) {
    var scanner = TextScanner(line)
    if scanner.isAtEnd { return }
    guard let vcpu = scanner.decimal(), vcpu < UInt64(RecordingFormat.maximumVCPUs), scanner.take(", "),
      let pc = scanner.hexadecimal(), scanner.find("\""), scanner.find("\"")
    else { throw .line("no instruction", "VCPU, PC, OPCODE, \"DISASSEMBLY\"") }
    counts[Int(vcpu)] += 1
    while scanner.take(", ") {
      guard scanner.take("store, ") else {
        _ = scanner.field(upTo: 0x2c)
        continue
      }
      guard let address = scanner.hexadecimal() else { throw .line("no address", "an address behind \"store\"") }
      if isPhysical {
        guard scanner.take(", ") else { throw .line("no device", "the device behind an address of system emulation") }
        let device = scanner.field(upTo: 0x2c)
        guard device.elementsEqual("RAM".utf8) else { continue }
        try writer.append(
          vcpu: Int(vcpu), count: counts[Int(vcpu)], gpa: address, gva: address, size: 1, rip: pc, value: nil, rest: nil
        )
      } else {
        try frames.store(address, 1, vcpu: Int(vcpu), count: counts[Int(vcpu)], rip: pc, into: writer)
      }
    }
    guard scanner.isAtEnd else { throw .line("text behind the accesses", "\", load\" or \", store\" and an address") }
  }
}
