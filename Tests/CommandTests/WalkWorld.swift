import Addresses
import Foundation
import Testing

/// Paging structures given to `gi-bench walk` word by word, and its answer.
///
/// EPT translates some 4 KiB guest pages to themselves; the guest's own tables, for `--linear`, lie in four of them.
struct WalkWorld {
  /// Words of host-physical memory.
  var words: [UInt64: UInt64] = [:]
  /// PML4 table at 1000H, write-back memory (6), a walk of four levels (3 in bits 5:3): SDM vol. 3C, table "Format of
  /// Extended-Page-Table Pointer".
  var eptp: UInt64 = 0x1000 | 3 << 3 | 6
  /// Lines for `--set`.
  var settings: [String] = []

  /// The page that accesses go to, and the address in it.
  static let gpa: UInt64 = 0x5123
  /// The linear address that the guest's tables lead to that page by.
  static let linear: UInt64 = 0x40123
  /// Where the EPT PTE of a guest page below 2 MiB lies.
  static func pte(of gpa: UInt64) -> UInt64 { 0x4000 + gpa >> 12 * 8 }
  /// Where the guest's PTE of ``linear`` lies.
  static let guestPTE: UInt64 = 0x13000 + linear >> 12 * 8
  /// Bits 2:0 and 10: read, write, and execute for either mode.
  static let everything: UInt64 = 0x407
  /// Bits 5:3 of a leaf: write-back.
  static let writeBack: UInt64 = 6 << 3

  /// A world where the leaf of the accessed page is `leaf`, with its page added, and everything else is granted.
  init(leaf: UInt64 = everything | writeBack) {
    words = [0x1000: 0x2000 | Self.everything, 0x2000: 0x3000 | Self.everything, 0x3000: 0x4000 | Self.everything]
    for page in 0x10...0x13 as ClosedRange<UInt64> {
      words[Self.pte(of: page << 12)] = page << 12 | Self.everything | Self.writeBack
    }
    words[Self.pte(of: Self.gpa)] = leaf == 0 ? 0 : Self.gpa & ~0xfff | leaf
  }

  /// The same with the guest's paging on: present, writable, user-mode tables at 10000H, and this PTE, with its page added.
  func paging(_ guestPTE: UInt64, _ registers: String = "") -> WalkWorld {
    var world = self
    world.words.merge([0x10000: 0x11007, 0x11000: 0x12007, 0x12000: 0x13007]) { $1 }
    world.words[Self.guestPTE] = Self.gpa & ~0xfff | guestPTE
    world.settings.append("reg pe=1 pg=1 cr3=0x10000 \(registers)")
    return world
  }

  func with(_ settings: String...) -> WalkWorld {
    var world = self
    world.settings += settings
    return world
  }

  func with(_ words: [UInt64: UInt64], eptp: UInt64? = nil) -> WalkWorld {
    var world = self
    world.words.merge(words) { $1 }
    world.eptp = eptp ?? self.eptp
    return world
  }

  /// The options that make this world.
  var options: [String] {
    ["--eptp", hex(eptp)] + settings.flatMap { ["--set", $0] }
      + words.sorted { $0.key < $1.key }.flatMap { ["--entry", "\(hex($0.key))=\(hex($0.value))"] }
  }

  /// `gi-bench walk` with these arguments, as text.
  func text(_ arguments: [String]) throws -> [String] {
    let outcome = try Program.run(["walk"] + arguments + options)
    try #require(outcome.status == 0, "\(outcome.error)")
    return outcome.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  /// `gi-bench walk --format json` with these arguments, decoded.
  func answer(_ arguments: [String]) throws -> WalkAnswer {
    let outcome = try Program.run(["walk", "--format", "json"] + arguments + options)
    try #require(outcome.status == 0, "\(outcome.error)")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(WalkAnswer.self, from: Data(outcome.output.utf8))
  }
}

/// What `gi-bench walk --format json` says. Numbers in strings are hexadecimal with 0x.
struct WalkAnswer: Decodable {
  struct Reference: Decodable {
    var number: Int
    var kind: String
    var level: Int
    var address: String
    var value: String
    var fields: [Field]
    var faults: [String]
  }
  struct Field: Decodable {
    var bits: String
    var name: String
    var value: String
    var meaning: String?
  }
  struct Outcome: Decodable {
    var kind: String
    var hpa: String?
    var gpa: String?
    var gla: String?
    var qualification: String?
    var qualificationBits: [Bit]?
    var errorCode: String?
    var bySubPage: Bool?
  }
  struct Bit: Decodable {
    var bit: Int
    var value: Int
    var meaning: String
  }
  struct Write: Decodable, Equatable {
    var address: String
    var value: String
  }
  var schema: Int
  var eptp: String
  var eptpFaults: [String]
  var references: [Reference]
  var outcome: Outcome
  var writes: [Write]
}
