import Replay
import Testing

@testable import Report

@Suite("Figures")
struct FigureTests {
  @Test(
    "have three significant digits and a decimal prefix",
    arguments: [
      (0, "0"), (0.000_123_4, "1.23e-04"), (0.4216, "0.422"), (0.99951, "1.00"), (1, "1"), (1.5, "1.50"),
      (9.996, "10.0"), (12.34, "12.3"), (99.96, "100"), (1529, "1529"), (1529.4, "1529"), (9999, "9999"),
      (9999.6, "10.0 k"), (17_800, "17.8 k"), (999_499, "999 k"), (999_600, "1.00 M"), (141_100_000, "141 M"),
      (3_210_987_654, "3.21 G"), (1e18, "1.00 E"), (1e30, "1.00e+30"), (-17_800, "-17.8 k"), (.infinity, "-"),
      (.nan, "-"),
    ] as [(Double, String)])
  func numbers(x: Double, text: String) {
    #expect(Figure.number(x) == text)
  }

  @Test("of counts are exact below ten thousand")
  func counts() {
    #expect(Figure.count(9999) == "9999")
    #expect(Figure.count(10_000) == "10.0 k")
    #expect(Figure.count(.max) == "18.4 E")
  }

  @Test("of ratios tell a small change from none")
  func ratios() {
    #expect(Figure.ratio(1) == "1")
    #expect(Figure.ratio(0.5) == "0.50")
    #expect(Figure.ratio(1.000_2) == "1.0002")
    #expect(Figure.ratio(1.000_000_000_1) == ">1")
    #expect(Figure.ratio(0.999_999_999) == "<1")
    #expect(Figure.ratio(.nan) == "-")
  }

  @Test("of brackets say when they are exact")
  func ranges() {
    #expect(Figure.range(Bracket(low: 5, value: 5, high: 5)) == "exact")
    #expect(Figure.range(Bracket(low: 500, value: 700, high: 90_000)) == "500 to 90.0 k")
  }
}
