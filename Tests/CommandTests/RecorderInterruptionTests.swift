import Foundation
import Testing

/// `interrupt.sh` beside the recorder says what is demanded; `GI_INTERRUPTIONS=1000` for the long run (`make faults`).
@Suite("The recorder, ended at any moment")
struct RecorderInterruptionTests {
  @Test("takes its emulator along, and leaves what was there, or the whole, under every name")
  func signals() throws {
    let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "traces/recorder/interrupt.sh")
    let output = Pipe()
    let process = Process()
    process.executableURL = URL(filePath: "/bin/bash")
    process.arguments = [script.path, "\(max(4, InterruptionTests.rounds / 5))"]
    process.standardOutput = output
    try process.run()
    let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    print("recorder: \(said.split(separator: "\n").last ?? "")")
    #expect(process.terminationStatus == 0, "\(said)")
  }
}
