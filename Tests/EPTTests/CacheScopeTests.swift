import Addresses
import Testing

@testable import EPT

@Suite("How far caching and invalidating reach")
struct CacheScopeTests {
  /// Two hierarchies, at 1000 and 6000, over the same lower tables, which map the first GByte to itself; a guest whose first page leads to 20000.
  private static func session(_ lines: String...) -> Session {
    var session = Session(
      "policy cache=maximal", "w64 1000 2007", "w64 6000 2007", "w64 2000 b7", "eptp 101e", "eptplist 50000",
      "w64 50000 101e", "w64 50008 601e", "w64 10000 11067", "w64 11000 12067", "w64 12000 13067", "w64 13000 20067",
      "reg mode=4 cr3=0x10000")
    for line in lines { _ = session.send(line) }
    return session
  }

  @Test("a violation drops the combined mappings of its own hierarchy, and those of no other")
  func violations() {
    Claims.table("violations under one of two hierarchies") {
      var session = Self.session("ctl vpid=5")
      claim(session.ask("la 10 w") == "OK hpa=20010", "cached under the first")
      // A right is taken away, and nothing is invalidated: the second hierarchy has nothing cached.
      for line in ["w64 2000 b5", "eptp 601e"] { _ = session.send(line) }
      claim(session.ask("la 10 w").hasPrefix("VIOL"), "the second sees it")
      _ = session.send("eptp 101e")
      claim(session.ask("la 10 w") == "OK hpa=20010", "the first has what it had")
      _ = session.send("invept 1 101e")
      claim(session.ask("la 10 w").hasPrefix("VIOL"), "until an INVEPT of its own")
    }
  }

  @Test("VMFUNC drops the combined mappings of VPID 0, whether it switches or exits, and none while VPIDs are on")
  func vmfunc() {
    Claims.table("what VMFUNC drops") {
      for (vpid, isDropped) in [(0, true), (5, false)] {
        for functions in [["vmfunc 0 1", "vmfunc 0 0"], ["vmfunc 0 0"], ["vmfunc 0 600"], ["vmfunc 1 0"]] {
          var session = Self.session("ctl vpid=\(vpid)")
          claim(session.ask("la 10 r") == "OK hpa=20010", "cached")
          for line in ["w64 13000 21067"] + functions { _ = session.send(line) }
          let answer = session.ask("la 10 r")
          claim(answer == (isDropped ? "OK hpa=21010" : "OK hpa=20010"), "VPID \(vpid), \(functions): \(answer)")
        }
        // #UD is no VM exit.
        var session = Self.session("ctl vpid=\(vpid)", "la 10 r", "w64 13000 21067")
        claim(session.ask("vmfunc 40 0") == "UD", "#UD")
        claim(session.ask("la 10 r") == "OK hpa=20010", "#UD drops nothing")
      }
    }
  }

  @Test("each kind of thing that `random` caches is now used, now dropped")
  func random() {
    Claims.table("what random drops") {
      // Each: what is accessed first, the edit that nobody is told of, what is accessed then, and the answer by what is cached.
      for (what, before, edit, after, stale) in [
        ("a translation", "gpa 40001000 r", "w64 14008 22077", "gpa 40001000 r", "OK hpa=21000"),
        ("a table of EPT", "gpa 40002000 r", "w64 7000 15007", "gpa 40001000 r", "OK hpa=21000"),
        ("a combined translation", "la 10 r", "w64 13000 21067", "la 10 r", "OK hpa=20010"),
        ("a table of the guest", "la 1010 r", "w64 12000 16067", "la 10 r", "OK hpa=20010"),
        ("a sub-page vector", "gpa 40003000 w", "w64 33018 0", "gpa 40003000 w", "OK hpa=23000 spp"),
        ("a sub-page table", "gpa 40004000 w", "w64 32000 34001", "gpa 40003000 w", "OK hpa=23000 spp"),
      ] {
        var (used, dropped) = (0, 0)
        for seed in 0..<64 {
          var session = Self.session(
            "policy cache=random seed=\(seed)", "ctl vpid=5 spp=1", "spptp 30000", "w64 30000 31001", "w64 31008 32001",
            "w64 32000 33001", "w64 33018 5555555555555555", "w64 33020 5555555555555555",
            "w64 2008 7007", "w64 7000 14007", "w64 14008 21077", "w64 14010 22077",
            // Pages with sub-page permissions; other tables that lead elsewhere.
            "w64 14018 2000000000023035", "w64 14020 2000000000024035", "w64 15008 25077", "w64 13008 28067",
            "w64 16000 26067")
          let first = session.ask(before)
          claim(first.hasPrefix("OK"), "\(what), seed \(seed): \(first)")
          _ = session.send(edit)
          if session.ask(after) == stale { used += 1 } else { dropped += 1 }
        }
        // By one chance in 2^40 or so it is otherwise.
        claim(used > 2 && dropped > 2, "\(what): used \(used) times, dropped \(dropped) times")
      }
    }
  }
}
