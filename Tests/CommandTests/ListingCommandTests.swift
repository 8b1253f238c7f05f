import Foundation
import Testing

@Suite("Notifications one by one")
struct ListingCommandTests {
  private static let trace = "traces/quick.trace"

  private func run(_ arguments: [String]) throws -> Program.Outcome {
    try Program.run(arguments, folder: Program.root)
  }

  @Test("stand in a file of each form, all of them, and the report says as many")
  func files() throws {
    let folder = try Program.Folder()
    let (csv, lines, slices) = (folder.path + "/n.csv", folder.path + "/n.jsonl", folder.path + "/n.perfetto.json")
    let outcome = try run([
      Self.trace, "--strategy", "eptp-exit", "--strategy", "pml", "--counters-only", "--format", "json",
      "--notifications", csv, "--notifications", lines, "--notifications", slices,
    ])
    #expect(outcome.status == 0 && outcome.error == "")
    let result = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    let counts = try #require(result["strategies"] as? [[String: Any]]).map { strategy in
      (strategy["notifications"] as? [String: Any])?["count"] as? Int ?? 0
    }
    let total = counts.reduce(0, +)
    #expect(counts.allSatisfy { $0 > 0 })
    let rows = try folder.text("n.csv").components(separatedBy: "\r\n")
    #expect(rows[0].hasPrefix("trace,strategy,number,store,vcpu,instructions,address,bytes,symbol,"))
    #expect(rows.count == total + 2 && rows.last == "")
    #expect(rows.dropFirst().count { $0.hasPrefix("\(Self.trace),eptp-exit,") } == counts[0])
    let objects = try folder.text("n.jsonl").split(separator: "\n")
    #expect(objects.count == total)
    let first = try #require(try JSONSerialization.jsonObject(with: Data(objects[0].utf8)) as? [String: Any])
    #expect(
      rows.contains { $0.hasPrefix("\(Self.trace),\(first["strategy"]!),\(first["number"]!),\(first["store"]!),") })
    try slicesNest(folder.text("n.perfetto.json"), expected: counts[0])
  }

  /// On each thread slices lie inside or behind each other, as the viewer's tracks ask.
  private func slicesNest(_ text: String, expected count: Int) throws {
    let trace = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let events = try #require(trace["traceEvents"] as? [[String: Any]])
    let slices = events.filter { $0["ph"] as? String == "X" }
    #expect(slices.count { $0["args"] != nil } == count)
    let threads = Dictionary(grouping: slices) { "\($0["pid"] ?? 0) \($0["tid"] ?? 0)" }
    for slices in threads.values {
      var end = (outer: 0.0, inner: 0.0)
      let sorted = slices.map { ($0["ts"] as? Double ?? -1, $0["dur"] as? Double ?? -1, $0["args"] != nil) }
        .sorted { ($0.0, $1.1) < ($1.0, $0.1) }
      for (start, duration, isOuter) in sorted {
        // Each is rounded to a thousandth.
        #expect(start >= (isOuter ? end.outer : end.inner) - 0.003 && duration >= 0)
        if isOuter {
          end = (start + duration, start)
        } else {
          #expect(start + duration <= end.outer + 0.02)
          end.inner = start + duration
        }
      }
    }
    #expect(events.contains { $0["ph"] as? String == "b" } && events.contains { $0["ph"] as? String == "i" })
  }

  @Test("are refused where the end of the path tells no form, or the output is taken")
  func refused() throws {
    let folder = try Program.Folder()
    try Program.expectFailure(
      [Program.root + "/" + Self.trace, "--notifications", folder.path + "/n.txt"], status: 64,
      sentence: "--notifications \(folder.path)/n.txt: its end tells no form; give FILE.csv, FILE.jsonl or "
        + "FILE.perfetto.json")
    try Program.expectFailure(
      [Program.root + "/" + Self.trace, "--notifications", "-"], status: 64,
      sentence: "two reports go to the standard output; give one of them a file")
    let path = folder.path + "/n.csv"
    try Program.expectFailure(
      [Program.root + "/" + Self.trace, "--notifications", path, "--export", "csv=\(path)"], status: 64,
      sentence: "two reports go to \(path); give one of them another file")
    #expect(try folder.names == [])
  }

  @Test(
    "can be explained: the steps before the ring add up to when it was raised",
    arguments: ["eptp-exit", "ve", "singlestep"])
  func explained(strategy: String) throws {
    for event in ["1", "17"] {
      let outcome = try run(["explain", Self.trace, "--strategy", strategy, "--event", event, "--format", "json"])
      #expect(outcome.status == 0, "\(outcome.error)")
      let told = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
      let notification = try #require(told["notification"] as? [String: Any])
      let stages = try #require(told["stages"] as? [[String: Any]])
      func value(_ bracket: Any?) throws -> Double {
        try #require((bracket as? [String: Any])?["value"] as? Double)
      }
      let before = try stages.filter { $0["before_ring"] as? Bool == true }.map { try value($0["cycles"]) }.reduce(0, +)
      let all = try stages.map { try value($0["cycles"]) }.reduce(0, +)
      #expect(abs(before - (try value(notification["raised_cycles"]))) < 0.2)
      #expect(abs(all - (try value(notification["stall_cycles"]))) < 0.2)
      #expect(notification["number"] as? Int == Int(event))
    }
  }

  @Test("are explained to people within 80 columns, sources and all")
  func explainedInText() throws {
    let outcome = try Program.run(
      ["explain", Self.trace, "--strategy", "eptp-exit", "--event", "1"], environment: ["COLUMNS": "80"],
      folder: Program.root)
    #expect(outcome.status == 0)
    #expect(outcome.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
    let words = outcome.output.split { $0 == " " || $0 == "\n" }.joined(separator: " ")
    for expected in ["raised: in the", "delivered: in the", "vmcall_round_trip, published: KVM", "|@"] {
      #expect(words.contains(expected), "\(expected)")
    }
  }

  @Test("are counted where there are fewer than asked for")
  func none() throws {
    let trace = Program.root + "/" + Self.trace
    let outcome = try Program.run(["explain", trace, "--strategy", "eptp-exit", "--event", "999999999"])
    #expect(outcome.status == 1 && outcome.error.contains("is none, there are "))
    try Program.expectFailure(
      ["explain", trace, "--event", "1"], status: 64,
      sentence: "explain needs a strategy; give one with --strategy NAME")
    try Program.expectFailure(
      ["explain", trace, "--strategy", "ve", "--event", "0"], status: 64,
      sentence: "--event 0 is none; notifications are counted from 1")
  }
}
