import Foundation
import Testing
import Recordings

@testable import Replay

/// The recorded boot: a real kernel, a real driver, and a root kit whose every act is marked.
enum RecordedBoot {
  static let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("traces/boot.trace").path
}

@Suite("The recorded boot", .serialized)
struct GroundTruthTests {
  @Test("is a complete boot of two vCPUs with more than 100 million stores, in at most 8 MiB")
  func extent() throws {
    let reader = try RecordingReader(path: RecordedBoot.path)
    let totals = reader.header.totals
    #expect(totals.writes >= 100_000_000 && totals.vcpus == 2)
    #expect(totals.hypercalls > 0 && totals.marks > 0 && totals.cr3Loads > 0)
    #expect(reader.bytes <= 8 << 20)
    #expect(reader.header.recording.guest.kernelPackage?.isEmpty == false)
  }

  @Test("is notified store for store as a brute-force scan of it says, under every strategy")
  func bruteForce() throws {
    let scan = try BruteForceScan(RecordingReader(path: RecordedBoot.path))
    let profile = try #require(try ProfileLibrary.profile(named: ProfileLibrary.defaultName))
    let result = try replay(
      ReplayRequest(
        tracePath: RecordedBoot.path, strategies: Strategy.all, profile: profile, countersOnly: true))
    #expect(scan.sound.count > 0)
    for strategy in result.strategies {
      // What is promoted when, the plain replay tells; the scan tells the bounds.
      if strategy.name == "hybrid" {
        #expect((scan.logged.count...scan.sound.count).contains(strategy.notifications.count))
        continue
      }
      let owed =
        switch strategy.name {
        case "toggle": scan.toggled
        case "spp": scan.subPages
        case "pml": scan.logged
        default: scan.sound
        }
      #expect(strategy.notifications.setDigest == owed.text, "\(strategy.name)")
    }
    #expect(result.crosscheck.agree)
    #expect(scan.toggled.count < scan.sound.count, "the recording holds stores that toggle must miss")
  }

  @Test("holds every marked act of the root kit against a monitored page among the stores owed")
  func marked() throws {
    let reader = try RecordingReader(path: RecordedBoot.path)
    let scan = try BruteForceScan(reader)
    let recording = reader.header.recording
    let ids = Dictionary(recording.marks.map { ($0.name, $0.id) }, uniquingKeysWith: { a, _ in a })
    var checked = 0
    for act in recording.groundTruth where act.kind != .hypercall && act.expected != "none" {
      let id = try #require(ids[act.mark], "no mark \(act.mark)")
      let region = try #require(recording.regions.first { $0.name == act.expected }, "no region \(act.expected)")
      let stores = scan.byMark[id] ?? []
      #expect(
        stores.contains { store in
          store.address < act.gpa + act.bytes && act.gpa < store.address + UInt64(store.size)
            && store.address < region.gpa + region.bytes && region.gpa < store.address + UInt64(store.size)
        }, "\(act.mark): no store owed at 0x\(String(act.gpa, radix: 16))")
      checked += 1
    }
    #expect(checked >= 20)
  }

  @Test("gives byte-identical counters twice")
  func deterministic() throws {
    let profile = try #require(try ProfileLibrary.profile(named: ProfileLibrary.defaultName))
    let request = ReplayRequest(
      tracePath: RecordedBoot.path, strategies: [.eptpExit], profile: profile, countersOnly: true)
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    #expect(try encoder.encode(replay(request)) == encoder.encode(replay(request)))
  }
}
