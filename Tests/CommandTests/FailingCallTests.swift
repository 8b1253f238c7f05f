import Foundation
import SeededRandom
import Testing

/// Every call of the operating system that a command makes may fail, and each of them does, one in a run: `Tests/Faults/failing-calls.c`
/// is loaded before the program's libraries. `GI_FAILING_CALLS=all` takes every call, which `make faults` does; else a sample.
@Suite("A call of the operating system that fails", .serialized)
struct FailingCallTests {
  /// How a call fails, and what then must be.
  struct Failure: CustomStringConvertible {
    var kind: String
    var error: Int32
    /// Whether the call is to be made again, so that nobody notices.
    var isPassing: Bool { error == 0 || error == EINTR }

    /// What is said of it: of a call that does nothing, for ever, an error of the device.
    var message: String { String(cString: strerror(error < 0 ? EIO : error)) }

    var description: String { error == 0 ? "\(kind) of one byte" : "\(kind): \(error), \(message)" }

    static let all = [
      Failure(kind: "open", error: EMFILE), .init(kind: "read", error: EIO), .init(kind: "read", error: EINTR),
      .init(kind: "read", error: 0), .init(kind: "write", error: EIO), .init(kind: "write", error: ENOSPC),
      .init(kind: "write", error: EINTR), .init(kind: "write", error: 0),
      .init(kind: "write", error: -1), .init(kind: "sync", error: EIO),
      .init(kind: "link", error: EPERM), .init(kind: "rename", error: EACCES),
    ]
  }

  /// Commands that only read, beside those that also write.
  static func readers(_ trace: String) -> [[String]] {
    [
      ["run", trace, "--strategy", "filter", "--counters-only", "--policy", trace + ".policy"],
      ["trace", "info", trace], ["trace", "check", trace], ["trace", "view", trace, "--limit", "5"],
      ["compare", Program.savedResult, Program.savedResult], ["walk", "--script", trace + ".walk"],
    ]
  }

  /// The library that is loaded before.
  private static func library(_ folder: Program.Folder) throws -> String {
    let path = folder.path + "/failing-calls.so"
    let outcome = try Program.run(
      ["clang", "-shared", "-fPIC", "-O1", "-o", path, Program.root + "/Tests/Faults/failing-calls.c"],
      program: "/usr/bin/env")
    try #require(outcome.status == 0, "\(outcome.error)")
    return path
  }

  /// How many calls of each kind a command makes.
  private static func calls(_ arguments: [String], _ library: String, _ folder: Program.Folder) throws -> [String: Int]
  {
    let list = folder.path + "/calls"
    _ = try Program.run(arguments, environment: ["LD_PRELOAD": library, "GI_CALLS": list])
    let lines = try folder.text("calls").split(separator: "\n").map { $0.split(separator: " ") }
    return Dictionary(uniqueKeysWithValues: lines.map { (String($0[0]), Int($0[1]) ?? 0) })
  }

  @Test("is made again, or said in one sentence with nothing lost and nothing left beside", arguments: [5] as [UInt64])
  func failingCalls(seed: UInt64) throws {
    let source = try Program.Folder()
    let (trace, csv) = try InterruptionTests.inputs(source, writes: 3000)
    _ = try source.file("in.trace.walk", "zero\nw64 1000 2007\nr64 1000\n")
    let library = try Self.library(source)
    let takesAll = ProcessInfo.processInfo.environment["GI_FAILING_CALLS"] == "all"
    var random = SplitMix64(seed: seed)
    var (passed, said) = (0, 0)
    for arguments in Self.readers(trace) + InterruptionTests.writers(trace, csv, "OUT") {
      let folder = try Program.Folder()
      let path = folder.path + "/out"
      let command = arguments.map { $0.replacing("OUT", with: path) }
      let writes = command != arguments
      let sound = try Program.run(command)
      let whole = try? Data(contentsOf: URL(filePath: path))
      let calls = try Self.calls(command, library, source)
      #expect(calls.values.reduce(0, +) > 0, "\(command)")
      for failure in Failure.all {
        let count = calls[failure.kind, default: 0]
        let numbers = Array(1..<(count + 1))
        // A third of the ways, elsewhere.
        let sample = random.next() % 3 == 0 ? 1 : 0
        for number in takesAll ? numbers : Array(numbers.shuffled(using: &random).prefix(sample)) {
          let old = writes && Bool.random(using: &random) ? Data("what was there".utf8) : nil
          unlink(path)
          if let old { try old.write(to: URL(filePath: path)) }
          let outcome = try Program.run(
            command, environment: ["LD_PRELOAD": library, "GI_FAIL": "\(failure.kind) \(number) \(failure.error)"])
          let now = try? Data(contentsOf: URL(filePath: path))
          let place = "seed \(seed), \(command), call \(number) of \(count), \(failure)"
          if outcome.status == sound.status, outcome.output == sound.output {
            #expect(now == whole, "\(place)")
            passed += 1
          } else {
            #expect(!failure.isPassing, "\(place): \(outcome)")
            #expect(outcome.status == 1, "\(place): \(outcome)")
            #expect(outcome.output == "" || sound.output.hasPrefix(outcome.output), "\(place): \(outcome)")
            #expect(outcome.error.hasPrefix("gi-bench: ") && outcome.error.last == "\n", "\(place): \(outcome.error)")
            #expect(outcome.error.count(where: { $0 == "\n" }) == 1, "\(place): \(outcome.error)")
            #expect(outcome.error.localizedCaseInsensitiveContains(failure.message), "\(place): \(outcome.error)")
            #expect(now == (command[0] == "run" && now == nil ? nil : old), "\(place)")
            said += 1
          }
          #expect(try folder.names == (now == nil ? [] : ["out"]), "\(place)")
        }
      }
    }
    print("failing calls: seed \(seed), \(passed) passed unnoticed, \(said) were said")
    #expect(passed > 0 && said > 0)
  }
}
