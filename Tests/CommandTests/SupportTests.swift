import Testing

@testable import Replay
@testable import gi_bench

@Suite("Support of the command line")
struct SupportTests {
  @Test(
    "finds the name that was meant, and none where nothing is near",
    arguments: [
      ("comapre", "compare"), ("chek", "check"), ("RUN", "run"), ("profil", "profile"), ("com", "compare"),
      ("boot.trace", nil), ("x", nil),
      ("", nil),
    ] as [(String, String?)])
  func nearest(word: String, meant: String?) {
    #expect(Nearest.to(word, in: ["run", "compare", "check", "profile"]) == meant)
  }

  @Test("measures misspelling by insertions, deletions, replacements and swaps")
  func distance() {
    func d(_ a: String, _ b: String) -> Int { Nearest.distance(Array(a), Array(b)) }
    #expect(d("", "") == 0)
    #expect(d("abc", "") == 3)
    #expect(d("abc", "abd") == 1)
    #expect(d("abc", "acb") == 1)
    #expect(d("abc", "xabc") == 1)
    #expect(d("kitten", "sitting") == 3)
  }

  @Test("says how far a run is and how long it will take")
  func progress() {
    var progress = ReplayProgress(strategies: 4, writes: 37, totalWrites: 100)
    #expect(ProgressLine.text(name: "a.trace", progress, elapsed: 3) == "a.trace: 4 strategies, 37 %, 6 s left")
    #expect(ProgressLine.text(name: "a.trace", progress, elapsed: 0.1) == "a.trace: 4 strategies, 37 %")
    #expect(ProgressLine.text(name: "a", progress, elapsed: 60).hasSuffix("1 min 43 s left"))
    (progress.writes, progress.totalWrites) = (9, 0)
    #expect(ProgressLine.text(name: "a", progress, elapsed: 3) == "a: 4 strategies, 0 %")
  }

  @Test("says of any other job how long it has been at work, and what it has moved")
  func activity() {
    func text(_ read: UInt64, _ written: UInt64, of size: UInt64? = nil) -> String {
      ActivityLine.text("converting a\u{1B}[2J", elapsed: 3.9, (read, written), of: size)
    }
    #expect(text(0, 1000) == "converting a?[2J: 3 s")
    #expect(text(5 << 20, 0, of: 9 << 20) == "converting a?[2J: 3 s, 5 of 9 MB read")
    #expect(text(10 << 20, 2 << 20, of: 9 << 20) == "converting a?[2J: 3 s, 10 MB read, 2 MB written")
  }

  @Test("turns the argument parser's complaints into one sentence")
  func sentences() {
    #expect(
      UsageSentence.from("Error: Unknown option '--x'. Did you mean '--y'?")
        == "unknown option '--x'; did you mean '--y'?")
    #expect(
      UsageSentence.from("Missing expected argument '<a>'") == "missing expected argument '<a>'; see `gi-bench --help`")
    #expect(UsageSentence.from("--export is odd; mend it.") == "--export is odd; mend it")
  }
}
