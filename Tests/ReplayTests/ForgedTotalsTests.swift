import Addresses
import Foundation
import Recordings
import Testing

@testable import Replay

@Suite("A recording whose header miscounts its events")
struct ForgedTotalsTests {
  @Test("is not replayed, though their sum is right")
  func kinds() throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "gi-\(UUID().uuidString).trace").path
    defer { unlink(path) }
    let writer = try RecordingWriter(
      path: path,
      description: RecordingDescription(
        title: "t", origin: .synthetic, guest: .init(ramBytes: 1 << 20, vcpus: 1), recorder: .init(name: "tests")),
      options: .init(level: 1))
    try writer.write(vcpu: 0, count: 1, gpa: .init(0x1000), gva: .init(0x1000), size: 8)
    try writer.event(.mark(.init(vcpu: 0, count: 2, id: 1, rip: .init(0))))
    try writer.event(.cr3(.init(vcpu: 0, count: 3, value: 0x1000)))
    let summary = try writer.finish()
    var totals = summary.header.totals
    #expect(totals.disagreement(withEventsOf: totals) == nil)
    (totals.marks, totals.cr3Loads) = (2, 0)
    #expect(totals.events == summary.header.totals.events)
    let said = totals.disagreement(withEventsOf: summary.header.totals)
    #expect(said == "1 CR3 loads in the records, expected 0 as the header says")
    let profile = try #require(try ProfileLibrary.profile(named: ProfileLibrary.defaultName))
    _ = try replay(ReplayRequest(tracePath: path, strategies: [.filter], profile: profile, countersOnly: true))
  }
}
