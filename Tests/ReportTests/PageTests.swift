import Foundation
import Testing

@testable import Replay
@testable import Report

@Suite("A page")
struct PageTests {
  /// A run with everything that a page can show.
  static var pictured: RunResult {
    var result = Fixture.result
    func strip(_ label: String, _ cells: [UInt64]) -> RunPictures.Strip { .init(label: label, cells: cells) }
    var pictures = RunPictures(strategy: "eptp-exit", stores: 141_100_000)
    pictures.count = 20_000
    pictures.byVCPU = [strip("vCPU 0", [0, 5, 0, 1000]), strip("vCPU 1", [1, 0, 0, 0])]
    pictures.windows = [2, 0, 0, 1]
    pictures.byTarget = [strip("modprobe_path", [0, 3]), strip("<b>", [1, 0]), strip("7 more", [9, 9])]
    pictures.marks = [.init(store: 12, name: "init"), .init(store: 99_000_000, name: "<script>attack")]
    pictures.first = (1...3).map { Fixture.listed($0) }
    pictures.stages = [.init(strategy: "eptp-exit", cycles: [10, 400, 300, 40, 60, 900, 410])]
    pictures.curves = [
      LatencyCurves(
        strategy: "eptp-exit", raised: curve(1000), delivered: curve(1400),
        deliveredRanges: [.init(low: 1024, high: 2048, count: 15_000), .init(low: 2048, high: 4096, count: 5000)])
    ]
    result.pictures = pictures
    return result
  }

  private static func curve(_ scale: Double) -> [LatencyCurves.Point] {
    [0, 0.5, 0.9, 0.999, 1].map { share in
      .init(share: share, cycles: Bracket(low: scale, value: scale * (1 + share), high: scale * (2 + share)))
    }
  }

  private func structure(_ documents: [Document]) -> PageStructure { PageStructure(HTMLExporter.export(documents)) }

  @Test("has contents that lead everywhere, and anchors that are each one's own")
  func contents() throws {
    let page = PageStructure(try report(on: [Self.pictured, Fixture.counted], as: .html))
    let identifiers = page.elements.compactMap { $0.attributes["id"] }
    #expect(Set(identifiers).count == identifiers.count)
    let links = page.all("a").filter { $0.path.contains("nav") }.compactMap { $0.attributes["href"] }
    #expect(links.allSatisfy { $0.hasPrefix("#") && identifiers.contains(String($0.dropFirst())) })
    let headings = page.all("h2").compactMap { $0.attributes["id"] }
    #expect(headings.count == page.all("h2").count && headings.count > 20)
    #expect(Set(headings).isSubset(of: links.map { String($0.dropFirst()) }))
    for heading in ["strategies", "when-and-where", "which-ones", "cross-check"] {
      #expect(headings.contains { $0.hasSuffix("-" + heading) }, "\(heading)")
    }
  }

  @Test("shows the summary over recordings before the first of them")
  func summaryFirst() throws {
    var other = Fixture.result
    other.trace.digest = "another"
    let page = try report(on: [Fixture.result, other], as: .html)
    let summary = try #require(page.range(of: "<h1>All 2 recordings"))
    #expect(try summary.lowerBound < #require(page.range(of: "<h1>gi-bench")).lowerBound)
  }

  @Test("holds every picture once, each with words for those who do not see it, and no script")
  func pictures() throws {
    let text = try report(on: [Self.pictured], as: .html)
    let page = PageStructure(text)
    #expect(page.unbalanced == nil)
    #expect(page.all("script").isEmpty && !text.contains("onclick") && !text.contains("javascript"))
    // Overhead, stall, a region of each of three contracts.
    #expect(page.all("figure", class: "bars").count == 6 && page.all("figure", class: "stacks").count == 1)
    #expect(page.all("figure", class: "strips").count == 2)
    #expect(page.all("div", class: "plot").count == 2, "a plot for each strategy that notices in time")
    let spoken = page.elements.filter { $0.attributes["role"] == "img" }
    #expect(spoken.count == 10 && spoken.allSatisfy { !($0.attributes["aria-label"] ?? "").isEmpty })
    #expect(page.all("table", class: "matrix").count == 1)
    #expect(page.all("li").count { $0.path.suffix(1) == ["ol"] } == 2, "the marks by name")
    #expect(text.contains("The first 3 of 20000 notifications") && text.contains("19997 are left out"))
  }

  @Test("draws only marks: every word is text of the page, which has its size on any screen")
  func words() throws {
    let page = PageStructure(try report(on: [Self.pictured], as: .html))
    #expect(page.all("text").isEmpty)
    #expect(
      page.all("svg").allSatisfy { $0.attributes["viewBox"] == nil || $0.attributes["preserveAspectRatio"] == "none" })
  }

  @Test("knows narrow screens, dark ones and paper")
  func media() {
    for rule in ["max-width: 600px", "prefers-color-scheme: dark", "@media print"] {
      #expect(HTMLStyle.sheet.contains(rule), "\(rule)")
    }
  }

  @Test("is the same without what only a run knows, but for the pictures that need it")
  func saved() throws {
    let page = PageStructure(try report(on: [Fixture.result], as: .html))
    #expect(page.all("figure", class: "strips").isEmpty && page.all("figure", class: "stacks").isEmpty)
    #expect(page.all("div", class: "plot").count == 2, "five percentiles are a curve, too")
  }

  @Test("puts dots at values and bars over brackets, by powers of ten where figures lie far apart")
  func bars() {
    func page(_ brackets: [Bracket], reference: Double? = nil) -> String {
      HTMLBars.figure(
        of: BarChart(
          title: "t", unit: "cycles", bars: brackets.map { .init(label: "a", bracket: $0) }, reference: reference))
    }
    // From zero to 10.
    #expect(
      page([Bracket(low: 1, value: 5, high: 10)]).contains(
        "<b style=\"left:10%;width:90%\"></b><em style=\"left:50%\">"))
    // From 1 to 10 000 by powers of ten.
    let wide = page([Bracket(low: 1, value: 100, high: 10_000)], reference: 10)
    #expect(
      wide.contains("<b style=\"left:0%;width:100%\"></b><em style=\"left:50%\">") && wide.contains("by powers of ten"))
    #expect(wide.contains("<i class=\"held\" style=\"left:25%\">"))
  }

  @Test("keeps every figure on its axis", arguments: [0, 1e-9, 1, 31, 1e18, .infinity, .nan] as [Double])
  func axes(value: Double) {
    for axis in [
      Axis([Bracket(low: 0, value: value, high: value)]), Axis([Bracket(low: 1, value: 1, high: value)]),
      Axis(logarithmic: [value, 1]), Axis(to: value),
    ] {
      #expect((0...100).contains(axis.share(value)) && axis.ticks.count <= 8)
      #expect(axis.ticks.allSatisfy { (0...100).contains($0.share) })
    }
  }

  @Test("of a comparison, a gate and nothing at all has its picture, too")
  func others() throws {
    let comparison = try Comparison(
      of: [Fixture.result], against: [Fixture.result], names: ("a", "b"), isForced: false)
    #expect(structure([comparison.document]).all("figure", class: "bars").count == 2)
    let gate = try Gate(Fixture.counted, against: Fixture.counted)
    #expect(structure([gate.document]).all("figure", class: "bars").count == 1)
    #expect(structure([Document(title: "nothing")]).unbalanced == nil)
  }

  @Test("and text show how many are delivered how fast, if asked")
  func histograms() throws {
    var result = Self.pictured
    #expect(!(try report(on: [result], as: .text, width: 80)).contains("|@"))
    result.pictures?.showsHistograms = true
    let rows = try report(on: [result], as: .text, width: 80).split(separator: "\n").filter { $0.contains("|@") }
    #expect(rows.count == 2 && rows.allSatisfy { $0.count <= 80 })
    #expect(rows[0].hasPrefix("  [1K, 2K) 15000 |@") && rows[1].hasPrefix("  [2K, 4K)  5000 |@"))
    let bars = rows.map { row in row.count { $0 == "@" } }
    #expect(bars[0] == 3 * bars[1] || abs(bars[0] - 3 * bars[1]) <= 3)
  }
}
