import Foundation
import Testing

@testable import Recordings

/// The samples of `Fixtures/`; its README says which are recorded and which are written after a tool's documentation.
@Suite("A sample of another tool")
struct FixtureTests {
  static func text(_ name: String) throws -> String {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    return String(decoding: try Data(contentsOf: folder.appending(path: name)), as: UTF8.self)
  }

  /// A store as a plain reading of the text finds it.
  struct Store: Equatable {
    var address: UInt64
    var size: Int
  }

  static func number(_ text: some StringProtocol) -> UInt64 {
    UInt64(text.hasPrefix("0x") ? text.dropFirst(2) : text[...], radix: 16) ?? .max
  }

  /// What lackey recorded of the program `stores.c`, read by splitting lines.
  static func lackeyStores() throws -> [Store] {
    try text("lackey.txt").split(separator: "\n").filter { $0.hasPrefix(" S ") || $0.hasPrefix(" M ") }.map { line in
      let fields = line.dropFirst(3).split(separator: ",")
      return Store(address: number(fields[0]), size: Int(fields[1]) ?? 0)
    }
  }

  @Test("by lackey gives the program's nine stores, one of them across a page end")
  func lackey() throws {
    let (writes, header, report) = try TextImportTests.convert(.lackey, Self.text("lackey.txt"))
    #expect(writes.map { Store(address: $0.gva?.rawValue ?? 0, size: $0.size) } == (try Self.lackeyStores()))
    #expect(writes.count == 9 && report.skipped == 0)
    #expect(header.recording.addresses == .virtual && header.recording.recorder.name == "valgrind lackey")
    // The program executed 62 instructions, as lackey itself counted.
    #expect(header.totals.instructions[0] <= 62 && header.totals.accesses == 10)
  }

  @Test("by execlog in user emulation, and by drmemtrace, is of the same stores")
  func sameProgram() throws {
    let stores = try Self.lackeyStores()
    let execlog = try TextImportTests.convert(.execlogUser, Self.text("execlog-user.txt"))
    #expect(execlog.writes.compactMap { $0.gva?.rawValue } == stores.map(\.address))
    #expect(execlog.header.recording.addresses == .virtual)
    #expect(execlog.header.recording.cautions.contains { $0.contains("no sizes") })
    let drmemtrace = try TextImportTests.convert(.drmemtrace, Self.text("drmemtrace.txt"))
    #expect(drmemtrace.writes.map { Store(address: $0.gva?.rawValue ?? 0, size: $0.size) } == stores)
    #expect(drmemtrace.header.recording.addresses == .virtual)
    #expect(execlog.writes.map(\.rip) == drmemtrace.writes.map(\.rip))
  }

  @Test("by execlog in system emulation gives stores to RAM by physical address, none to the screen")
  func execlog() throws {
    let text = try Self.text("execlog.txt")
    var expected: [UInt64] = []
    for line in text.split(separator: "\n") {
      let fields = line.components(separatedBy: ", ")
      for (place, field) in fields.enumerated() where field == "store" && fields[place + 2] == "RAM" {
        expected.append(Self.number(fields[place + 1]))
      }
    }
    let (writes, header, report) = try TextImportTests.convert(.execlog, text)
    #expect(writes.map(\.gpa.rawValue) == expected && report.skipped == 0)
    // 5 words, 5 calls with PUSH and PUSHA, 4 repeated stores, 1 locked addition; the screen's memory begins at 0xb8000.
    #expect(writes.count == 5 + 5 * (1 + 1 + 8) + 4 + 1 && writes.allSatisfy { $0.gpa.rawValue < 0x20000 })
    #expect(header.recording.addresses == .guestPhysical)
  }

  @Test("of KVM's page faults gives the stores, by vCPU or by task")
  func pageFaults() throws {
    let (writes, header, _) = try TextImportTests.convert(.kvmPageFault, Self.text("kvm-page-fault.txt"))
    // The store to the local APIC at 0xfee00000 is none to RAM.
    #expect(writes.map(\.gpa.rawValue) == [0x3d0_5ff8, 0x6a4_2010, 0x110_c2a0, 0x720_1fff])
    #expect(writes.map(\.vcpu) == [0, 1, 0, 1] && writes.map(\.count) == [23_000, 51_000, 70_000, 140_000])
    #expect(header.recording.log?.deviceStores == 1)
    #expect(header.recording.addresses == .guestPhysical)
    let old = try TextImportTests.convert(.kvmPageFault, Self.text("kvm-page-fault-old.txt"))
    #expect(old.writes.map(\.gpa.rawValue) == [0x3d0_5ff8, 0x6a4_2010, 0x110_c2a0])
    #expect(old.writes.map(\.vcpu) == [0, 1, 0])
  }
}
