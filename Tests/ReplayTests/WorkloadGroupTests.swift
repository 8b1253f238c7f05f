import Recordings
import Testing

@testable import Replay

@Suite("Recordings of one workload")
struct WorkloadGroupTests {
  static func recording(_ path: String, _ digest: String, _ workload: String?, cutOf: String? = nil)
    -> ReplayedRecording
  {
    ReplayedRecording(
      path: path, digest: digest, writes: 1, runs: 1, pages: 1, vcpus: 1, instructions: 1, hypercalls: 0, marks: 0,
      guest: "g", workload: workload, cutOf: cutOf)
  }

  @Test("stand together by their headers, whatever their files are called and in whatever order they come")
  func groups() {
    let recordings = [
      Self.recording("a", "1", "redis"), Self.recording("b", "2", "boot"), Self.recording("c", "3", "redis"),
      Self.recording("d", "4", nil), Self.recording("e", "5", nil),
    ]
    #expect(
      WorkloadGroup.groups(of: recordings) == [
        .init(workload: "redis", members: [0, 2]), .init(workload: "boot", members: [1]),
        .init(workload: "d", members: [3]), .init(workload: "e", members: [4]),
      ])
  }

  @Test("do not count a cut beside its whole, nor one recording twice; a cut alone counts")
  func cuts() {
    let whole = Self.recording("boot", "1", "boot")
    let cut = Self.recording("quick", "2", "boot", cutOf: "1")
    #expect(WorkloadGroup.counted(of: [cut, whole]) == [1])
    #expect(WorkloadGroup.counted(of: [whole, cut, whole]) == [0])
    #expect(WorkloadGroup.counted(of: [cut]) == [0])
    #expect(WorkloadGroup.groups(of: [cut, Self.recording("other", "3", "boot")]).map(\.members) == [[0, 1]])
    // Salvaged ones have no digest, and are as many as were given.
    #expect(WorkloadGroup.counted(of: [Self.recording("x", "", "w"), Self.recording("y", "", "w")]) == [0, 1])
  }
}
