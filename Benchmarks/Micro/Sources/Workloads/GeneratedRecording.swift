import Foundation
import Measuring
import Recordings

/// A generated trace in a temporary file.
public struct GeneratedRecording {
  /// Pages of every generated guest, 256 MiB: more than any modelled TLB holds.
  public static let pages: UInt64 = 1 << 16

  /// Where it is.
  public let path: String
  /// Its size.
  public let bytes: UInt64
  /// How many runs it holds.
  public let runs: UInt64
  /// What generating it took.
  public let seconds: Double

  /// Generates a trace, lends it, and removes it.
  public static func with<Answer>(
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
