import Foundation
import Replay

/// The memory that a process needs which does nothing but replay one recording: this program, started anew.
enum ReplayMemory {
  /// The first argument of such a process; the second is the path.
  static let command = "replay-peak"

  /// Bytes resident at most in a process of its own.
  static func peakBytesOfProcess(replaying path: String) throws -> Double {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = [command, path]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0, let bytes = Double(text.trimmingCharacters(in: .whitespacesAndNewlines))
    else {
      throw ReplayError("\(path): the process that replays it ended with \(process.terminationStatus)")
    }
    return bytes
  }

  /// Replays a recording; answers the bytes that were resident at most.
  static func peakBytes(ofReplaying path: String) throws -> Double {
    let profile = try TimedReplay.profile(ProfileLibrary.defaultName)
    _ = try replay(ReplayRequest(tracePath: path, strategies: [.eptpExit], profile: profile, countersOnly: true))
    return try ProcessMemory.bytes("VmHWM")
  }
}
