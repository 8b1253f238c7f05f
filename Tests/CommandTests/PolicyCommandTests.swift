import Foundation
import Testing

@Suite("gi-bench --policy and --arm")
struct PolicyCommandTests {
  private func policy(_ regions: String) -> String { #"{"schema": 1, "name": "mine", "regions": [\#(regions)]}"# }

  @Test("protect what a file says in a recording without a driver, and say so in every format")
  func run() throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    let file = try folder.file("p.json", policy(#"{"name": "two", "gpa": "0x3000", "bytes": 4100}"#))
    let outcome = try Program.run([trace, "--policy", file, "--counters-only"])
    #expect(outcome.status == 0 && outcome.error == "")
    for part in ["mine, asked for by a synthetic driver before the first store", "two", "4100", "What would change"] {
      #expect(outcome.output.contains(part), "\(part)")
    }
    let json = try Program.run([trace, "--policy", file, "--counters-only", "--format", "json"]).output
    let result = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    let described = try #require(result["policy"] as? [String: Any])
    #expect(described["driver"] as? String == "synthetic" && described["name"] as? String == "mine")
    let strategies = try #require(result["strategies"] as? [[String: Any]])
    // Pages 3 and 4 of 40 get 10 stores a turn, 10 turns.
    let counts = strategies.map { ($0["notifications"] as? [String: Any])?["count"] as? Int }
    #expect(counts.contains(200))
    let hottest = try #require((result["hottest_pages"] as? [String: Any])?["pages"] as? [[String: Any]])
    #expect(hottest.count == 2 && hottest.allSatisfy { $0["regions"] as? [String] == ["two"] })
    #expect(result["sensitivity"] is [Any] && result["geometry_sensitivity"] == nil)
  }

  @Test("hold a policy's run against its own baseline, and refuse another policy's")
  func check() throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    let file = try folder.file("p.json", policy(#"{"name": "two", "gpa": "0x3000", "bytes": 4100}"#))
    let other = try folder.file("q.json", policy(#"{"name": "two", "gpa": "0x3000", "bytes": 4101}"#))
    let baseline = ["--baseline", folder.path + "/baseline.json"]
    #expect(try Program.run(["check", trace, "--policy", file, "--update"] + baseline).status == 0)
    #expect(try Program.run(["check", trace, "--policy", file] + baseline).status == 0)
    for arguments in [["--policy", other], []] {
      let outcome = try Program.run(["check", trace] + arguments + baseline)
      #expect(outcome.status == 3 && outcome.error.contains("the policies differ"))
    }
  }

  @Test("end with status 1 and one sentence at a bad policy, an unknown mark, and a mark without a driver")
  func errors() throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    let bad = try folder.file("p.json", policy(#"{"name": "two", "gpa": 4096, "byte": 1}"#))
    try Program.expectFailure(
      [trace, "--policy", bad], status: 1,
      sentence:
        "\(bad): regions[0]: unknown key \"byte\", expected one of name, actions, critical, symbol, offset, bytes, from, "
        + "to, section, gpa, every, count, linear, page_tables; did you mean bytes?")
    try Program.expectFailure(
      [trace, "--arm", "attack"], status: 1, sentence: "\(trace): no mark is named 'attack'; there is none")
    try Program.expectFailure(
      [trace, "--policy", folder.path], status: 1,
      sentence: "\(folder.path): a directory, expected a policy in JSON; give the path of a file")
  }

  @Test("replay again with other sizes where that is asked for")
  func sensitivity() throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    let outcome = try Program.run([trace, "--sensitivity", "--counters-only"])
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("paging-structure caches at half"))
    #expect(outcome.output.contains("surviving lines of EPT entries at double"))
  }
}
