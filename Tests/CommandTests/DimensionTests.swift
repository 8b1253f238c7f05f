import Addresses
import Foundation
import Testing
import Recordings

@Suite("gi-bench run --dimensions")
struct DimensionTests {
  private func pagedTrace(in folder: Program.Folder) throws -> String {
    let path = folder.path + "/paged.trace"
    let writer = try RecordingWriter(
      path: path,
      description: RecordingDescription(
        title: "paged", origin: .synthetic, guest: .init(ramBytes: 1 << 24, vcpus: 1), recorder: .init(name: "tests")),
      options: .init(level: 1))
    try writer.event(.cr3(.init(vcpu: 0, count: 1, value: 0x1000)))
    for page in 2..<40 as Range<UInt64> {
      let linear = 0x40_0000 + page << 12
      try writer.event(
        .map(
          .init(
            vcpu: 0, count: page, cr3: 0x1000, linear: GuestLinearAddress(linear), pageShift: 12,
            entry: page << 12 | 0x67)))
      try writer.write(
        vcpu: 0, count: page, gpa: GuestPhysicalAddress(page << 12), gva: GuestLinearAddress(linear), size: 8)
    }
    _ = try writer.finish()
    return path
  }

  @Test("walks the guest's tables too, and says so in the result")
  func two() throws {
    let folder = try Program.Folder()
    let trace = try pagedTrace(in: folder)
    let outcome = try Program.run([trace, "--dimensions", "2", "--counters-only", "--format", "json"])
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("\"dimensions\" : 2") && outcome.output.contains("\"cr3_loads\" : 1"))
    #expect(outcome.output.contains("\"unmapped_walks\" : 0"))
    let one = try Program.run([trace, "--counters-only", "--format", "json"])
    #expect(one.status == 0 && !one.output.contains("dimensions") && !one.output.contains("cr3_loads"))
  }

  @Test("refuses a trace without linear pages, CR3 loads or mappings, in one sentence")
  func refused() throws {
    let folder = try Program.Folder()
    let outcome = try Program.run([try SmallTrace.write(to: folder), "--dimensions", "2"])
    #expect(outcome.status == 1 && outcome.output == "")
    #expect(outcome.error.split(separator: "\n").count == 1)
    #expect(outcome.error.contains("holds no CR3 loads and no mappings"), "\(outcome.error)")
    #expect(try Program.run([try pagedTrace(in: folder), "--dimensions", "3"]).status == 64)
  }

  @Test("one dimension is not comparable with two")
  func notComparable() throws {
    let folder = try Program.Folder()
    let trace = try pagedTrace(in: folder)
    let saved = (1...2).map { "\(folder.path)/\($0).json" }
    for dimensions in 1...2 {
      #expect(
        try Program.run([trace, "--quiet", "--dimensions", "\(dimensions)", "--save", saved[dimensions - 1]]).status
          == 0)
    }
    let comparison = try Program.run(["compare"] + saved)
    #expect(comparison.status == 3 && comparison.error.contains("the dimensions differ (1 and 2)"))
    let gate = try Program.run(["check", trace, "--dimensions", "2", "--baseline", saved[0]])
    #expect(gate.status == 3)
  }
}
