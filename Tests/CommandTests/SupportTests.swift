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
    var progress = ReplayProgress(strategy: "vmfunc", finished: 1, strategies: 4, writes: 50, totalWrites: 100)
    #expect(ProgressLine.text(name: "a.trace", progress, elapsed: 3) == "a.trace: vmfunc (2 of 4), 37 %, 5 s left")
    #expect(ProgressLine.text(name: "a.trace", progress, elapsed: 0.1) == "a.trace: vmfunc (2 of 4), 37 %")
    #expect(ProgressLine.text(name: "a", progress, elapsed: 60).hasSuffix("1 min 40 s left"))
    (progress.finished, progress.writes, progress.totalWrites) = (4, 9, 0)
    #expect(ProgressLine.text(name: "a", progress, elapsed: 3) == "a: vmfunc (4 of 4), 100 %, 0 s left")
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
