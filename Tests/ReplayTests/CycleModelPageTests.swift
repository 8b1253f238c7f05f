import Foundation
import Replay
import Testing

/// The page on the cycle model shows the price list as it is.
@Suite("The cycle model's page")
struct CycleModelPageTests {
  private static let page = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../Sources/Replay/Replay.docc/CycleModel.md").standardizedFileURL

  /// A price as the page writes it: costs in their order, with a sign between them.
  private func text(_ form: LinearForm) -> String {
    CostParameter.allCases.filter { form[$0] != 0 }.sorted { form[$0] > form[$1] }.reduce("") { text, cost in
      text + (form[cost] < 0 ? " - " : text.isEmpty ? "" : " + ") + "`\(cost.rawValue)`"
    }
  }

  @Test("has each event that is priced, with its price, and no other")
  func prices() throws {
    let lines = try String(contentsOf: Self.page, encoding: .utf8).split(separator: "\n").map(String.init)
    let start = try #require(lines.firstIndex(of: "| event | price |"))
    let shown = lines[(start + 2)...].prefix { $0.hasPrefix("| `") }
    let priced = Event.allCases.filter { $0.unpricedBecause == nil }
    #expect(Array(shown) == priced.map { "| `\($0.name)` | \(text(PriceList.price(of: $0))) |" })
    #expect(
      priced.allSatisfy { event in CostParameter.allCases.allSatisfy { abs(PriceList.price(of: event)[$0]) <= 1 } })
  }
}
