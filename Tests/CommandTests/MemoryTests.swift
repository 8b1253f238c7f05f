import Foundation
import Testing

/// A bound of resident memory for every command, and that ten times the stores take no more of it.
@Suite("The memory of a command", .serialized)
struct MemoryTests {
  /// Commands that read a recording, and the most mebibytes that each may take.
  static let bounds: [(command: [String], mebibytes: Int)] = [
    (["run", "--counters-only"], 80), (["run", "--counters-only", "--threads", "2"], 96), (["trace", "info"], 48),
    (["trace", "stats"], 64), (["trace", "check"], 80), (["trace", "view"], 80),
    (["trace", "convert", "--level", "1", "-o", "/dev/null"], 128),
    (["trace", "convert", "--to", "csv", "-o", "/dev/null"], 80),
    (["trace", "convert", "--to", "perfetto", "-o", "/dev/null"], 64),
  ]

  @Test("stays below its bound, however many stores it reads")
  func reading() throws {
    let folder = try Program.Folder()
    let traces = try [200_000, 2_000_000].map { writes in
      let path = folder.path + "/\(writes)"
      let made = try Program.measure([
        "trace", "generate", "--workload", "zipf", "--pages", "5000", "--vcpus", "4", "--writes", "\(writes)", "-o",
        path,
      ])
      #expect(made.status == 0 && made.resident < 256 << 20, "generate: \(made.resident >> 20) MiB")
      return path
    }
    for (command, mebibytes) in Self.bounds {
      let taken = try traces.map { try Program.measure(command + [$0]) }
      #expect(taken.allSatisfy { $0.status == 0 }, "\(command)")
      #expect(taken[1].resident < mebibytes << 20, "\(command): \(taken[1].resident >> 20) MiB")
      print("memory: \(command.joined(separator: " ")): \(taken.map { $0.resident >> 20 }) of \(mebibytes) MiB")
    }
  }

  @Test("stays below its bound without a recording, too")
  func others() throws {
    let saved = Program.savedResult
    for command in [
      ["attack"], ["compare", saved, saved], ["profile", "list"], ["walk", "--gpa", "0"],
    ] {
      let taken = try Program.measure(command)
      #expect(taken.status == 0 && taken.resident < 64 << 20, "\(command): \(taken.resident >> 20) MiB")
      #expect(taken.resident > 1 << 20)
      print("memory: \(command[0]): \(taken.resident >> 20) MiB")
    }
  }
}
