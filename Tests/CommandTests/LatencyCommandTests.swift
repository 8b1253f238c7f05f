import Foundation
import Testing

@Suite("gi-bench run, what latency hangs on")
struct LatencyCommandTests {
  private static let forms =
    "write poll, wake, vmi or service=NS, and behind it ring=N and full=lose or full=park where they shall differ, as in "
    + "vmi,ring=64,full=park"

  @Test(
    "refuses consumers, paces and rates that are none with one sentence and status 64",
    arguments: [
      (["--consumer", "ring=0"], "--consumer ring=0: a ring of '0' slots is none, expected 1 to 1048576; " + forms),
      (
        ["--consumer", "service=-1"],
        "--consumer service=-1: a service time of '-1' is none, expected 0 to 1e12 nanoseconds; " + forms
      ),
      (
        ["--consumer", "service=inf"],
        "--consumer service=inf: a service time of 'inf' is none, expected 0 to 1e12 nanoseconds; " + forms
      ),
      (["--consumer", "cat"], "--consumer cat: no consumer is named 'cat'; " + forms),
      (
        ["--cpi", "0"],
        "--cpi 0 is no pace, expected cycles an instruction above 0 and at most 1000000; give one figure, or three from "
          + "the least to the greatest, as in 0.5,1,2"
      ),
      (
        ["--exits-per-second", "-1"],
        "--exits-per-second -1.0 is no rate, expected 0 to 1000000; give one of them"
      ),
      (
        ["--open-loop"],
        "--open-loop has gone, since a vCPU that is kept issues no next store; --consumer tells what waits in front of "
          + "whoever takes the alerts, as in --consumer vmi,ring=64,full=park"
      ),
      (
        ["--counters-only", "--export", "hgrm=x.hgrm"],
        "--counters-only reads no clock, so there are no host times for hgrm; leave one of them out"
      ),
    ] as [([String], String)])
  func refused(options: [String], sentence: String) throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    let joined = options.count == 2 ? ["\(options[0])=\(options[1])"] : options
    try Program.expectFailure([trace] + joined, status: 64, sentence: sentence)
  }

  @Test("writes the distributions of host time as HdrHistogram does, and the consumer with the result")
  func distributions() throws {
    let folder = try Program.Folder()
    let trace = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../traces/quick.trace")
      .standardizedFileURL.path
    let outcome = try Program.run([
      trace, "--strategy", "eptp-exit", "--consumer", "wake,ring=2,full=park", "--seed", "7", "--export",
      "hgrm=\(folder.path)/small.hgrm", "--format", "json",
    ])
    #expect(outcome.status == 0 && outcome.error == "")
    let lines = try folder.text("small.hgrm").split(separator: "\n")
    try #require(lines.count > 2)
    #expect(lines[0] == "# eptp-exit, raised, host nanoseconds, \(trace)")
    #expect(lines[1].split(separator: " ") == ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"])
    #expect(outcome.output.contains("\"full\" : \"park\"") && outcome.output.contains("\"seed\" : 7"))
    #expect(outcome.output.contains("\"in_place_ns\""))
  }
}
