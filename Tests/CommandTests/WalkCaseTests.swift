import Foundation
import Testing

@Suite("Scripts of the walk protocol with their right answers")
struct WalkCaseTests {
  /// f1, f2: SDM vol. 3C, "Guidelines for Use of the INVEPT Instruction"; f3: "Creating and Using Cached Translation Information"; f4, f5:
  /// "Operations that Invalidate Cached Mappings"; o1: "Write Accesses That Are Eligible for Sub-Page Write Permissions".
  static let names = [
    "f1-retry-after-widening-table-page", "f2-retry-A-flag-in-page-directory", "f3-ept-off-uses-combined",
    "f4-vmentry-with-vpid-off", "f5-invvpid-with-vpid-off", "o1-spp-without-linear",
  ]

  @Test("are answered so, word for word", arguments: names)
  func answers(name: String) throws {
    let script = Program.fixture("walk/\(name).in")
    let expected = try String(contentsOfFile: Program.fixture("walk/\(name).out"), encoding: .utf8)
    let outcome = try Program.run(["walk", "--script", script])
    #expect(outcome.status == 0 && outcome.output == expected)
  }
}
