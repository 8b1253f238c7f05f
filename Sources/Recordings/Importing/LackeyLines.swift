/// `valgrind --tool=lackey --trace-mem=yes`: `I  ADDRESS,SIZE` an instruction, ` L` a load, ` S` a store, ` M` a load and a store
/// (Valgrind manual, "Lackey: an example tool", "Memory trace").
struct LackeyLines: LineParser {
  let tool = "valgrind lackey"
  let addresses = RecordingDescription.AddressSpace.virtual
  let columns: RecordingColumns = [.steps, .linearPages, .instructionPointers]
  let notes = [
    "Threads are not told apart: all stores are vCPU 0's.", "A store of more than 64 bytes is several writes.",
  ]

  private var frames = FirstTouchFrames()
  private var instructions: UInt64 = 0
  private var rip: UInt64 = 0

  mutating func parse(_ line: UnsafeRawBufferPointer, into writer: RecordingWriter) throws(WriterFlaw) {
    var scanner = TextScanner(line)
    // Valgrind's own messages.
    if scanner.isAtEnd || scanner.take("==") || scanner.take("--") { return }
    let isInstruction = scanner.take("I  ")
    let isStore = !isInstruction && (scanner.take(" S ") || scanner.take(" M "))
    guard isInstruction || isStore || scanner.take(" L "), let address = scanner.hexadecimal(), scanner.take(0x2c),
      let size = scanner.decimal(), scanner.isAtEnd
    else { throw .line("no access", "\"I  ADDRESS,SIZE\", or L, S or M likewise") }
    if isInstruction {
      instructions += 1
      rip = address
    } else if isStore {
      try frames.store(address, size, vcpu: 0, count: instructions, rip: rip, into: writer)
    }
  }
}
