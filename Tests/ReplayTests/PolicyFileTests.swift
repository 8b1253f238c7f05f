import Foundation
import Testing
import Recordings

@testable import Replay

@Suite("Policy files")
struct PolicyFileTests {
  private func policy(_ regions: String, more: String = "") throws -> Policy {
    let json = #"{"schema": 1, "name": "test", \#(more) "regions": [\#(regions)]}"#
    return try Policy(json: Data(json.utf8), origin: "p.json")
  }

  private func sentence(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "no error"
    } catch { return "\(error)" }
  }

  /// A recording with 64 pages of memory, two symbols of one name, one of unknown size, and a section in two parts.
  static var recording: RecordingDescription {
    var recording = RecordingDescription(
      title: "t", origin: .synthetic, guest: .init(ramBytes: 64 << 12), recorder: .init(name: "tests"))
    recording.symbols = [
      .init(name: "modprobe_path", gpa: 0x3010, size: 256), .init(name: "twice", gpa: 0x5000, size: 8),
      .init(name: "twice", gpa: 0x6ff8, size: 16), .init(name: "open_end", gpa: 0x9000, size: 0),
      .init(name: "_text", gpa: 0xa000, size: 1), .init(name: "_etext", gpa: 0xc123, size: 0),
    ]
    recording.regions = [
      .init(id: 7, name: "rodata", gpa: 0x10_000, bytes: 0x1800), .init(id: 7, name: "rodata", gpa: 0x20_000, bytes: 1),
    ]
    return recording
  }

  private func resolve(_ policy: Policy, tables: Set<UInt64> = []) throws -> ResolvedPolicy {
    try policy.resolved(for: Self.recording, guestBytes: 64 << 12, topLevelTables: tables)
  }

  @Test("repeat a range, and mark regions as critical")
  func repeated() throws {
    let resolved = try resolve(
      policy(
        #"""
        {"name": "a", "gpa": "0x1800", "bytes": 16, "every": 8192, "count": 3, "critical": true},
        {"name": "b", "gpa": 0, "bytes": 8, "every": 8, "count": 4}
        """#))
    #expect(resolved.regions.map(\.isCritical) == [true, false])
    #expect(resolved.regions[0].bytes == [0x1800..<0x1810, 0x3800..<0x3810, 0x5800..<0x5810])
    #expect(resolved.regions[1].bytes == [0..<32])
    let tooMany = #"{"name": "a", "gpa": 0, "bytes": 1, "every": 1, "count": 9000000}"#
    #expect(sentence { _ = try resolve(policy(tooMany)) }.contains("more than 8388608 ranges"))
  }

  @Test("resolve every kind of place to exact bytes and to the pages that hold them")
  func places() throws {
    let resolved = try resolve(
      policy(
        #"""
        {"name": "a", "symbol": "modprobe_path"}, {"name": "b", "symbol": "modprobe_path", "offset": 16, "bytes": "0x4"},
        {"name": "c", "symbol": "twice"}, {"name": "d", "symbol": "open_end", "bytes": 8192},
        {"name": "e", "from": "_text", "to": "_etext"}, {"name": "f", "section": "rodata", "actions": ["blockWrite"]},
        {"name": "g", "gpa": "0x3fffe", "bytes": 2}, {"name": "h", "page_tables": true}
        """#), tables: [3, 4, 9, 1 << 39])
    let bytes: [[Range<UInt64>]] = [
      [0x3010..<0x3110], [0x3020..<0x3024], [0x5000..<0x5008, 0x6ff8..<0x7008], [0x9000..<0xb000], [0xa000..<0xc123],
      [0x10_000..<0x11_800, 0x20_000..<0x20_001], [0x3fffe..<0x40_000], [0x3000..<0x5000, 0x9000..<0xa000],
    ]
    #expect(resolved.regions.map(\.bytes) == bytes)
    #expect(resolved.regions.map(\.id) == Array(1...8))
    let pages = resolved.regions.map { $0.pages.map { [$0.first, $0.count] } }
    #expect(
      pages == [
        [[3, 1]], [[3, 1]], [[5, 3]], [[9, 2]], [[10, 3]], [[16, 2], [32, 1]], [[63, 1]], [[3, 2], [9, 1]],
      ])
    #expect(resolved.regions[0].actions == [.count, .log, .notify] && resolved.regions[5].actions == [.blockWrite])
  }

  @Test("default actions are the policy's own where it gives some")
  func defaults() throws {
    let given = try policy(#"{"name": "a", "gpa": 0, "bytes": 1}"#, more: #""actions": ["count", "suspend"],"#)
    #expect(given.regions[0].actions == [.count, .suspend])
  }

  @Test(
    "say place, finding, expectation and remedy of whatever is wrong with them",
    arguments: [
      (#"{"name": "a", "symbl": "x"}"#, #"regions[0]: unknown key "symbl", expected one of"#),
      (#"{"name": "a", "symbol": "x", "gpa": 1}"#, "regions[0]: the places symbol and gpa, expected exactly one of"),
      (#"{"name": "a"}"#, "regions[0]: no place, expected exactly one of symbol"),
      (#"{"name": "a", "gpa": 0, "bytes": 0}"#, "regions[0]: bytes is 0, an empty range"),
      (#"{"name": "a", "gpa": 0}"#, "regions[0]: bytes is missing"),
      (#"{"name": "a", "gpa": 0, "bytes": 9, "every": 8, "count": 2}"#, "every at least the 9 bytes of one range"),
      (#"{"name": "a", "gpa": 0, "bytes": 1, "every": 8}"#, "every and count are no repetition, expected both"),
      (#"{"name": "a", "gpa": 0, "bytes": 1, "every": 8, "count": 0}"#, "every and count are no repetition"),
      (#"{"name": "a", "gpa": 0, "bytes": 1, "every": 4294967296, "count": 4294967297}"#, "every and count run past"),
      (#"{"name": "a", "gpa": 0, "bytes": 1, "critical": 1}"#, "critical is neither true nor false"),
      (#"{"name": "a", "gpa": "1000", "bytes": 1}"#, "regions[0]: gpa is no address or size"),
      (#"{"name": "a", "gpa": -1, "bytes": 1}"#, "regions[0]: gpa is no address or size"),
      (#"{"name": "a", "gpa": 18446744073709551615, "bytes": 2}"#, "run past the last address"),
      (#"{"name": "a", "gpa": 0, "bytes": 1, "actions": ["notfy"]}"#, "did you mean notify?"),
      (#"{"name": "a", "gpa": 0, "bytes": 1, "actions": []}"#, "actions is no list of one or more actions"),
      (#"{"name": "a", "page_tables": false}"#, "page_tables is not true"),
      (#"{"name": "a", "from": "x"}"#, "to is no text"),
      (#"{"name": "", "gpa": 0, "bytes": 1}"#, "name is no text"),
      ("7", "regions[0] is no object"),
      (#"{"name": "a", "gpa": 0, "bytes": 1}, {"name": "a", "gpa": 0, "bytes": 1}"#, "two regions are named 'a'"),
    ])
  func errors(regions: String, expected: String) {
    let found = sentence { _ = try policy(regions) }
    #expect(found.hasPrefix("p.json: ") && found.contains(expected), "\(found)")
  }

  @Test("refuse what is no policy at all")
  func notPolicies() {
    for json in ["", "[]", "{", "null", #"{"schema": 2, "name": "x", "regions": []}"#, #"{"schema": 1, "name": "x"}"#] {
      let found = sentence { _ = try Policy(json: Data(json.utf8), origin: "p.json") }
      #expect(found.hasPrefix("p.json: "), "\(json): \(found)")
    }
    let deep = String(repeating: "[", count: 100_000)
    #expect(sentence { _ = try Policy(json: Data(deep.utf8), origin: "p.json") }.hasPrefix("p.json: not JSON"))
  }

  @Test(
    "say what a recording does not have, with the nearest name",
    arguments: [
      (
        #"{"name": "a", "symbol": "modprobe_pth"}"#, "no symbol 'modprobe_pth' among its 6; did you mean modprobe_path?"
      ),
      (#"{"name": "a", "section": "rodta"}"#, "names no section 'rodta'; did you mean rodata?"),
      (#"{"name": "a", "symbol": "open_end"}"#, "the size of symbol 'open_end' is unknown; say how many bytes"),
      (#"{"name": "a", "symbol": "twice", "offset": 9}"#, "offset 9 lies past the 8 bytes of symbol 'twice'"),
      (#"{"name": "a", "from": "_etext", "to": "_text"}"#, "'_etext' does not lie below '_text'"),
      (#"{"name": "a", "gpa": "0x3ffff", "bytes": 2}"#, "0x3ffff to 0x40000 lies outside the guest's 262144 bytes"),
      (#"{"name": "a", "page_tables": true}"#, "the recording shows no page tables"),
    ])
  func unresolved(regions: String, expected: String) throws {
    let policy = try policy(regions)
    let found = sentence { _ = try resolve(policy) }
    #expect(found.hasPrefix("p.json: regions[0], a: ") && found.contains(expected), "\(found)")
  }
}
