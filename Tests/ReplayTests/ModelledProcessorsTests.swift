import EPT
import EPTTables
import GuestIntegrity
import Testing

@testable import Replay

@Suite("The processors of a replay")
struct ModelledProcessorsTests {
  @Test("count what happens on a vCPU there, and the sum is what a replay reports")
  func byVCPU() throws {
    let memory = try #require(HostMemory(byteCount: 1 << 20))
    var processors = ModelledProcessors(
      memory: memory.memory, vcpus: 3, geometry: AgainstPlainReplayTests.geometries[0])
    processors.exit(.eptViolation, on: 1)
    processors.exit(.hypercall, on: 2)
    processors.shootdown(of: 0, from: 2)
    processors.treeNodesVisited(5, on: 1)
    processors.virtualizationException(on: 2)
    processors.acted(.emulatedStore, on: 1)
    processors.entriesEdited(7, by: 2)
    let expected: [[Event: UInt64]] = [
      [.shootdowns: 1], [.violationExits: 1, .treeNodesVisited: 5, .emulatedStores: 1],
      [.hypercallExits: 1, .virtualizationExceptions: 1, .entryEdits: 7],
    ]
    for (vcpu, expected) in expected.enumerated() {
      for event in Event.allCases {
        #expect(processors.counts[vcpu][event] == expected[event, default: 0], "vCPU \(vcpu): \(event.name)")
      }
    }
    for event in Event.allCases {
      #expect(processors.total[event] == expected.reduce(0) { $0 + $1[event, default: 0] }, "\(event.name)")
    }
  }
}
