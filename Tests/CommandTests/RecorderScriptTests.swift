import Foundation
import Testing

@Suite("The recorder's script")
struct RecorderScriptTests {
  @Test("fails with one sentence for each thing that goes wrong, and leaves no half recording")
  func failures() throws {
    let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "traces/recorder/test.sh")
    let output = Pipe()
    let process = Process()
    process.executableURL = URL(filePath: "/bin/bash")
    process.arguments = [script.path]
    process.standardOutput = output
    try process.run()
    let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(said)")
    #expect(said.contains(" passed, 0 failed"), "\(said)")
  }
}
