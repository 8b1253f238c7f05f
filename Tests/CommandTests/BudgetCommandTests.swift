import Foundation
import Testing

@Suite("gi-bench run, what is asked of the world and within which overhead")
struct BudgetCommandTests {
  @Test(
    "refuses what is no overhead, no number of cycles, no way to refill",
    arguments: [
      (
        ["--budget", "1"],
        "the value '1' is invalid for '--budget <1%>': no overhead between 0% and 100000%; write it as 1%, 0.5% or 20%"
      ),
      (
        ["--budget=-1%"],
        "the value '-1%' is invalid for '--budget <1%>': no overhead between 0% and 100000%; write it as 1%, 0.5% or 20%"
      ),
      (
        ["--budget", "nan%"],
        "the value 'nan%' is invalid for '--budget <1%>': no overhead between 0% and 100000%; write it as 1%, 0.5% or 20%"
      ),
    ] as [([String], String)])
  func refuses(options: [String], sentence: String) throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    try Program.expectFailure([trace] + options, status: 64, sentence: sentence)
  }

  @Test("says that nothing is protected where nothing is, and answers first where something is")
  func answers() throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    try Program.expectFailure(
      [trace, "--budget", "1%"], status: 1,
      sentence: "\(trace): nothing is ever protected in it, so nothing fits 1.0 %; say with --policy what is to be")
    let policy = try folder.file(
      "policy.json",
      #"{"schema":1,"name":"p","regions":[{"name":"first","gpa":"0x1000","bytes":4096},{"name":"never","gpa":"0x100000","bytes":8}]}"#
    )
    let outcome = try Program.run(
      [trace, "--policy", policy, "--budget", "100000%", "--counters-only", "--strategy", "eptp-exit"])
    #expect(outcome.status == 0, "\(outcome.error)")
    let lines = outcome.output.split(separator: "\n")
    let budget = try #require(lines.firstIndex { $0.hasPrefix("Within 100 k %") })
    let facts = try #require(lines.firstIndex { $0 == "What was run" })
    #expect(budget < facts && lines[budget + 1].contains("eptp-exit, sound: protects first ("))
    let json = try Program.run(
      [
        trace, "--policy", policy, "--budget", "0.001%", "--counters-only", "--strategy", "eptp-exit", "--format",
        "json",
      ])
    #expect(json.output.contains("\"leaves_out\"") && json.output.contains("\"cpi\""))
  }

  @Test("prices what INVEPT leaves as it is told, and then leaves that choice out of the verdicts")
  func refill() throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    let policy = try folder.file(
      "policy.json", #"{"schema":1,"name":"p","regions":[{"name":"first","gpa":"0x1000","bytes":4096}]}"#)
    func result(_ options: [String]) throws -> (structures: Int, text: String) {
      let outcome = try Program.run(
        [trace, "--policy", policy, "--counters-only", "--format", "json", "--strategy", "toggle"] + options)
      #expect(outcome.status == 0, "\(outcome.error)")
      let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
      let root = try #require((object as? [String: Any]) ?? (object as? [[String: Any]])?.first)
      let strategies = try #require(root["strategies"] as? [[String: Any]])
      let overhead = try #require(strategies[0]["overhead_cycles"] as? [String: Any])
      return (try #require(root["structures"] as? [Any]).count, "\(overhead["value"] ?? "")")
    }
    let open = try result([])
    let simulated = try result(["--refill", "simulated", "--mitigations", "off", "--hypervisor", "kvm"])
    let full = try result(["--refill", "full", "--mitigations", "off", "--hypervisor", "kvm"])
    #expect(open.structures == 5 && simulated.structures == 1 && full.structures == 1)
    #expect(open.text == simulated.text && full.text != simulated.text)
  }
}
