import Foundation
import Replay
import Testing

@Suite("gi-bench attack")
struct AttackCommandTests {
  struct Matrix: Decodable {
    struct Attack: Decodable {
      var id: String
      var name: String
      var ground_truth: String
      var outcomes: [String: Outcome]
    }
    struct Outcome: Decodable {
      var outcome: String
      var reason: String
    }
    var schema: Int
    var attacks: [Attack]
  }

  @Test("answers in JSON what came of every attack under every strategy")
  func json() throws {
    let outcome = try Program.run(["attack", "--format", "json"])
    #expect(outcome.status == 0 && outcome.error == "")
    let matrix = try JSONDecoder().decode(Matrix.self, from: Data(outcome.output.utf8))
    #expect(matrix.schema == 1)
    #expect(Set(matrix.attacks.map(\.id)).isSuperset(of: (1...21).map { "A\($0)" }))
    for attack in matrix.attacks {
      #expect(!attack.name.isEmpty && !attack.ground_truth.isEmpty)
      #expect(Set(attack.outcomes.keys) == Set(Strategy.all.map(\.name)))
      for (strategy, outcome) in attack.outcomes {
        #expect(
          ["blocked", "detected", "late", "missed", "not-applicable"].contains(outcome.outcome), "\(strategy)")
        #expect(!outcome.reason.isEmpty)
      }
    }
    // A strategy documented as unsound loses an attack, and the one of the patents does not lose it.
    let eleven = matrix.attacks.first { $0.id == "A11" }?.outcomes
    #expect(eleven?["toggle"]?.outcome == "missed" && eleven?["eptp-exit"]?.outcome == "blocked")
  }

  @Test("prints a table that a terminal of 100 columns shows, and names every attack below")
  func text() throws {
    let outcome = try Program.run(["attack"], environment: ["COLUMNS": "100"])
    #expect(outcome.status == 0)
    let lines = outcome.output.split(separator: "\n").map(String.init)
    let header = try #require(lines.firstIndex { $0.hasPrefix("attack ") })
    let rows = lines[header...].prefix { !$0.hasPrefix("What") }
    #expect(rows.count > 22)
    #expect(rows.allSatisfy { $0.count <= 100 })
    let heads = rows.filter { $0.hasPrefix("attack ") }.flatMap { $0.split(separator: " ").map(String.init) }
    #expect(Set(heads).isSuperset(of: Strategy.all.map(\.name)))
    for row in rows where row.hasPrefix("A") {
      let id = try #require(row.split(separator: " ").first)
      #expect(lines.contains { $0.hasPrefix("\(id): ") }, "\(id)")
    }
  }

  @Test("takes attacks and strategies by name, in every format")
  func selection() throws {
    let csv = try Program.run(["attack", "--attack", "A9", "--strategy", "vmfunc", "--format", "csv"])
    #expect(csv.status == 0)
    #expect(csv.output.split(whereSeparator: \.isNewline).count == 2)
    #expect(csv.output.contains("A9") && csv.output.contains("vmfunc,missed"))
    for format in ["markdown", "html"] {
      let outcome = try Program.run(["attack", "--attack", "A1", "--format", format])
      #expect(outcome.status == 0 && outcome.output.contains("malware issues"))
    }
    try Program.expectFailure(
      ["attack", "--strategy", "togle"], status: 64, sentence: "no strategy is named 'togle'; did you mean toggle?")
    #expect(try Program.run(["attack", "--attack", "A99"]).status == 64)
  }
}
