/// `valgrind --tool=lackey --trace-mem=yes`: `I  ADDRESS,SIZE` an instruction, ` L` a load, ` S` a store, ` M` a load and a store,
/// `SB ADDRESS` a superblock entered (Valgrind manual, "Lackey: an example tool", "Memory trace").
struct LackeyLines: LineParser {
  let tool = "valgrind lackey"
  let addresses = RecordingDescription.AddressSpace.virtual
  let columns: RecordingColumns = [.steps, .linearPages, .instructionPointers]
  let notes = ["Threads are not told apart: all stores are vCPU 0's."]
  let log = RecordedLog(coverage: .everyStore, time: .instructions, hasSizes: true)
  let record = " S 1fff000758,8"

  private var instructions: UInt64 = 0
  private var rip: UInt64 = 0
  /// Processes that valgrind's own lines name, the first few.
  private var processes: [UInt64] = []

  mutating func parse(_ line: UnsafeRawBufferPointer, into sink: inout ImportSink) throws(WriterFlaw) {
    var scanner = TextScanner(line)
    let isInstruction = scanner.take("I  ")
    let isStore = !isInstruction && (scanner.take(" S ") || scanner.take(" M "))
    if !isInstruction, !isStore {
      // Valgrind's own messages.
      if scanner.isAtEnd || scanner.take("--") { return }
      if scanner.take("==") { return process(&scanner) }
      if scanner.take("SB ") {
        guard scanner.hexadecimal() != nil, scanner.isAtEnd else { throw .line("no superblock", "\"SB ADDRESS\"") }
        return
      }
    }
    guard isInstruction || isStore || scanner.take(" L "), let address = scanner.hexadecimal(), scanner.take(0x2c),
      let size = scanner.decimal(), scanner.isAtEnd
    else { throw .line("no access", "\"I  ADDRESS,SIZE\", or L, S or M likewise") }
    if isInstruction {
      instructions &+= 1
      rip = address
      sink.understood()
    } else if isStore {
      try sink.linear(address, size, vcpu: 0, count: instructions, rip: rip)
    } else {
      sink.understood()
    }
  }

  private mutating func process(_ scanner: inout TextScanner) {
    guard let process = scanner.decimal(), scanner.take("=="), processes.count < 64, !processes.contains(process)
    else { return }
    processes.append(process)
  }

  func finish(_ sink: inout ImportSink) {
    guard processes.count > 1 else { return }
    sink.log.mixesProcesses = true
    sink.log.tasks = processes.map { RecordedLog.Task(task: $0) }
  }
}
