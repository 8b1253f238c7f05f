import Testing

@testable import Replay

@Suite("Words for consumers and paces")
struct LatencyTextTests {
  private let named: [Consumer]

  init() throws { named = try #require(try ProfileLibrary.profile(named: "skylake-sp")).consumers }

  @Test("name a consumer, or make one")
  func consumers() throws {
    let vmi = try Consumer("vmi", among: named)
    #expect(vmi.service == .constant(Bracket(low: 22_000, value: 22_000, high: 22_000)) && vmi.slots == 1024)
    let wake = try Consumer("wake", among: named)
    #expect(wake.service == .waking(p50: 13_600, p99: 47_000, awake: Bracket(low: 150, value: 150, high: 150)))
    let parked = try Consumer("wake,ring=64,full=park", among: named)
    #expect(parked.slots == 64 && parked.whenFull == .park && parked.service == wake.service)
    let custom = try Consumer("service=500,ring=16", among: named)
    #expect(custom.name == "custom" && custom.service == .constant(Bracket(low: 500, value: 500, high: 500)))
    #expect(try Consumer("ring=2", among: named).service == Consumer.poll.service)
    #expect(try Consumer("service=0", among: named).service == .constant(Bracket(low: 0, value: 0, high: 0)))
  }

  @Test(
    "that mean nothing are refused in a sentence",
    arguments: [
      ("ring=0", "a ring of '0' slots is none, expected 1 to 1048576"),
      ("vmi,ring=2000000", "a ring of '2000000' slots is none, expected 1 to 1048576"),
      ("service=-1", "a service time of '-1' is none, expected 0 to 1e12 nanoseconds"),
      ("service=inf", "a service time of 'inf' is none, expected 0 to 1e12 nanoseconds"),
      ("service=nan", "a service time of 'nan' is none, expected 0 to 1e12 nanoseconds"),
      ("service=5,service=6", "service is given twice"), ("vmi,service=6", "service is given twice"),
      ("full=wait", "'wait' says nothing about a full ring"), ("cat", "no consumer is named 'cat'"),
      ("ring=5,vmi", "'vmi' has no value"), ("", "no consumer is named ''"), ("colour=red", "'colour' is nothing"),
    ])
  func refused(text: String, finding: String) {
    let error = #expect(throws: LatencyTextError.self) { try Consumer(text, among: named) }
    #expect(error?.description.hasPrefix("--consumer \(text): \(finding)") == true, "\(error?.description ?? "")")
    #expect(error?.description.hasSuffix("as in vmi,ring=64,full=park") == true)
  }

  @Test("say how fast a guest goes")
  func paces() throws {
    #expect(try GuestPace("0.5,1,2") == .assumed)
    #expect(try GuestPace("0.8").cyclesPerInstruction == Bracket(low: 0.8, value: 0.8, high: 0.8))
    for text in ["0", "-1", "nan", "inf", "2,1,0.5", "1,2", "", "0,1,2", "a"] {
      #expect(throws: LatencyTextError.self, "\(text)") { try GuestPace(text) }
    }
  }
}
