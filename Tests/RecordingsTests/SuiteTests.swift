import Foundation
import Testing

@testable import Recordings

/// The committed recordings; `make check-traces` holds every record of all of them against `RecordingCheck`.
@Suite("The suite of recordings")
struct SuiteTests {
  static let names = ["boot", "pagetables", "modules", "database", "quick"]
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "traces")

  static func path(_ name: String) -> String { folder.appending(path: "\(name).trace").path }

  @Test("is of complete guests, with what rebuilds their page tables", arguments: names)
  func header(name: String) throws {
    let header = try RecordingReader(path: Self.path(name)).header
    #expect(header.complete && header.recording.origin == .recorded && header.totals.vcpus == 2)
    #expect(header.columnSet.contains(.linearPages) && header.totals.maps > 0 && header.totals.cr3Loads > 0)
    #expect(header.recording.regions.contains { $0.name == "gi-nodes" } && !header.recording.recorder.packages.isEmpty)
    #expect(header.recording.groundTruth.isEmpty == ["modules", "database"].contains(name))
  }

  @Test("fits into 32 MiB, and the one for tests into 1")
  func size() throws {
    let sizes = try Self.names.map { try RecordingReader(path: Self.path($0)).bytes }
    #expect(sizes.reduce(0, +) <= 32 << 20 && sizes[4] <= 1 << 20)
  }

  @Test("has a sound one for tests; cut off, it is refused, and salvaged up to the cut")
  func quick() throws {
    #expect(try RecordingCheck.findings(in: RecordingReader(path: Self.path("quick"))) == [])
    let folder = Folder()
    let whole = try Data(contentsOf: URL(filePath: Self.path("quick")))
    try whole.prefix(whole.count / 2).write(to: URL(filePath: folder.file("cut")))
    #expect(throws: RecordingError.self) { try RecordingReader(path: folder.file("cut")) }
    let salvaged = try RecordingReader(path: folder.file("cut"), salvage: true)
    #expect(salvaged.isSalvaged && (1..<9).contains(salvaged.blocks.count))
  }
}
