import EPT
import Testing

@testable import judge

@Suite("Comparison of two judges")
struct ComparisonTests {
  /// Answers of gi-bench to a script, as `make judge` gets them.
  private func answers(_ script: String) -> [Substring] {
    var walk = WalkScript()
    var answer = ScriptAnswer()
    for line in script.split(separator: "\n").flatMap(Halves.lines) {
      Array((line + "\n").utf8).withUnsafeBytes { walk.feed($0, &answer) }
    }
    return String(decoding: answer.bytes, as: UTF8.self).split(separator: "\n")
  }

  private func script(_ scenario: Scenario) -> String {
    "# scenario \(scenario.name)\n" + scenario.lines.joined(separator: "\n") + "\n"
  }

  /// A scenario in which this entry maps the page 5000H.
  private func scenario(_ name: String, entry: String, _ lines: String) -> String {
    """
    # scenario \(name)
    zero
    cap maxpa=40 adv=0
    w64 1000 2007
    w64 2000 3007
    w64 3000 4007
    w64 4028 \(entry)
    \(lines)

    """
  }

  /// What comes of a sequence with caches, whose first translation is to 200000H, if Bochs translates its queries to these addresses.
  private func sequence(_ lines: String, to addresses: [String]) throws -> Comparison {
    let text = scenario(
      "stale:1", entry: "200037",
      """
      eptp 101e
      policy guestad=before rmwread=0 cache=maximal
      \(lines)
      policy guestad=before rmwread=0 cache=none
      """)
    var comparison = Comparison()
    try comparison.compare(
      script: text, ours: answers(text), theirs: addresses.map { "OK hpa=\($0) |W |pml=1ff"[...] })
    return comparison
  }

  @Test("every scenario is the same again, and gi-bench understands every line", arguments: ScenarioKind.allCases)
  func scenarios(_ kind: ScenarioKind) throws {
    for seed in UInt64(0)..<12 {
      let scenario = kind.scenario(seed: seed)
      #expect(scenario == kind.scenario(seed: seed))
      #expect(kind == .claims || scenario.lines != kind.scenario(seed: seed + 1).lines)
      #expect(!answers(script(scenario)).contains { $0.hasPrefix("ERR") })
    }
  }

  @Test("a round has more than 20 000 queries, of every command")
  func round() {
    let lines = ScenarioKind.round(seed: 1).flatMap(\.lines)
    let commands = lines.map { String($0.prefix { $0 != " " }) }.filter(Comparison.answered.contains)
    #expect(commands.count > 20_000)
    #expect(Set(commands).isSuperset(of: ["gpa", "la", "vmfunc", "eptpok", "invept", "invvpid"]))
  }

  @Test("the same answers are no difference, told twice or in another order of stores")
  func same() throws {
    let text = script(ScenarioKind.physical.scenario(seed: 7)) + script(ScenarioKind.claims.scenario(seed: 6))
    let ours = answers(text)
    let reversed = ours.map { line -> Substring in
      guard let writes = line.range(of: " |W"), let log = line.range(of: " |pml=") else { return line }
      let words = line[writes.upperBound..<log.lowerBound].split(separator: " ")
      guard Set(words.map { $0.prefix { $0 != "=" } }).count == words.count else { return line }
      return (line[..<writes.upperBound] + words.reversed().map { " " + $0 }.joined() + line[log.lowerBound...])[...]
    }
    var comparison = Comparison()
    try comparison.compare(script: text, ours: ours, theirs: reversed)
    #expect(comparison.queryCount == ours.count)
    #expect(comparison.others.isEmpty && comparison.maskedCount == 0)
  }

  @Test("one wrong bit, word or index anywhere is found", arguments: 0..<40)
  func planted(_ number: Int) throws {
    let text = script(ScenarioKind.linear.scenario(seed: 3)) + script(ScenarioKind.switching.scenario(seed: 3))
    let ours = answers(text)
    var theirs = ours
    let line = String(theirs[number])
    let spoilt: String
    if let qualification = line.firstRange(of: "qual=") {
      spoilt = line.replacingCharacters(in: qualification, with: "qual=1")
    } else if number % 2 == 0 {
      spoilt = line.replacing(" |W", with: " |W 4020=999", maxReplacements: 1)
    } else {
      spoilt = line.replacing("|pml=", with: "|pml=3")
    }
    theirs[number] = spoilt[...]
    var comparison = Comparison()
    try comparison.compare(script: text, ours: ours, theirs: theirs)
    #expect(comparison.others.count >= 1)
    #expect(comparison.others.first?.contains("make judge ONLY=") == true)
  }

  @Test("differences of a qualification are told bit by bit, with the script that leads there")
  func told() throws {
    let text = "# scenario physical:1\nzero\neptp 101e\ngpa 5000 r laddr=0x5000\n"
    var comparison = Comparison()
    try comparison.compare(script: text, ours: answers(text), theirs: ["VIOL qual=182 gpa=5000 gla=5000 |W |pml=1ff"])
    let report = try #require(comparison.others.first)
    #expect(report.contains("bit 0 (the access was a data read): 1 against 0"))
    #expect(report.contains("  eptp 101e"))
  }

  @Test("what a masked difference left in the information area is no difference once both have written it")
  func masked() throws {
    let text = scenario(
      "physical:1", entry: "200031",
      """
      ctl ve=1
      veinfo 51000 0
      eptp 105e
      gpa 5008 r laddr=0x1120 walk=1
      w64 51000 0
      gpa 5008 r laddr=0x1120 walk=1
      """)
    let ours = answers(text)
    #expect(ours.count == 2 && ours.allSatisfy { $0.contains("51008=8b") })
    for (second, others) in [("8b", 0), ("89", 1)] {
      let theirs = zip(ours, ["8a", second]).map { $0.replacing("51008=8b", with: "51008=\($1)")[...] }
      var comparison = Comparison()
      try comparison.compare(script: text, ours: ours, theirs: theirs)
      #expect(comparison.masked == [.walkWithoutRead: 1])
      #expect(comparison.others.count == others)
    }
  }

  @Test("a lost answer is an error, not a shift")
  func lost() {
    let text = script(ScenarioKind.operands.scenario(seed: 1))
    let ours = answers(text)
    var comparison = Comparison()
    #expect(throws: ComparisonError.self) { try comparison.compare(script: text, ours: ours, theirs: ours.dropLast()) }
  }

  @Test(
    "caches may answer either way, query by query, but nothing else",
    arguments: [
      (["200008", "200010"], .maximal), (["300008", "400010"], .fresh), (["300008", "300010"], .mixed),
      (["200008", "400010"], .mixed), (["300008", "200010"], .none), (["400008", "400010"], .none),
    ] as [([String], Sequence.Course)])
  func stale(later: [String], course: Sequence.Course) throws {
    let comparison = try sequence(
      """
      gpa 5000 r laddr=0x5000
      w64 4028 300037
      gpa 5008 r laddr=0x5008
      w64 4028 400037
      gpa 5010 r laddr=0x5010
      """, to: ["200000"] + later)
    #expect(comparison.courses == [course: 1])
    #expect(comparison.others.count == (course == .none ? 1 : 0))
  }

  @Test("of 2^8 courses through eight queries one is found, the last as well")
  func rare() throws {
    let query = "gpa 5000 r laddr=0x5000"
    let lines = [query, "w64 4028 300037"] + Array(repeating: query, count: 6) + ["w64 4028 400037", query]
    for walked in 1...6 {
      // All take the first translation until one walks; the last takes what that one cached.
      let addresses = (0..<7).map { $0 < walked ? "200000" : "300000" } + ["300000"]
      let comparison = try sequence(lines.joined(separator: "\n"), to: addresses)
      #expect(comparison.courses == [.mixed: 1], "walked at query \(walked)")
    }
  }
}
