import Foundation
import Measuring
import Recordings

/// A generated trace in a temporary file.
struct GeneratedRecording {
  /// Pages of every generated guest, 256 MiB: more than any modelled TLB holds.
  static let pages: UInt64 = 1 << 16

  let path: String
  let bytes: UInt64
  let runs: UInt64
  let seconds: Double

  /// Generates a trace, lends it, and removes it.
  static func with<Answer>(
    _ workload: Workload, writes: Int, vcpus: Int = 1, _ body: (GeneratedRecording) throws -> Answer
  ) throws -> Answer {
    let path = FileManager.default.temporaryDirectory.appending(path: "scaling-\(UUID().uuidString).trace").path()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let generator = RecordingGenerator(workload: workload, seed: 1, writes: UInt64(writes), pages: pages, vcpus: vcpus)
    let start = nanoseconds()
    let summary = try generator.write(to: path, level: 1)
    return try body(
      GeneratedRecording(
        path: path, bytes: summary.bytes, runs: summary.header.totals.runs, seconds: (nanoseconds() - start) / 1e9))
  }
}

/// The recorded boot of two vCPUs.
enum RecordedBoot {
  static let name = "boot"
  static let path = "traces/boot.trace"
}
