import Foundation
import SeededRandom
import Testing

@testable import Recordings

/// Headers whose checksums are right and whose numbers are any: nothing that reads them may end by a trap, and what is accepted
/// is borne out by the blocks.
@Suite("A header of any numbers")
struct HostileHeaderTests {
  static let numbers: [String] = [
    "0", "1", "2", "255", "256", "257", "4095", "4096", "65535", "65536", "2147483647", "2147483648", "4294967295",
    "4294967296", "1099511627776", "4503599627370495", "4503599627370496", "4503599627370497", "1152921504606846975",
    "1152921504606846976", "4611686018427387903", "4611686018427387904", "9223372036854775807", "9223372036854775808",
    "18446744073709547520", "18446744073709551615", "18446744073709551616", "-1", "-9223372036854775808", "1.5",
    "1e300",
    "null", "\"7\"", "[]", "{}", "true",
  ]

  /// Everything that a command does with a recording, but for the replay.
  static func use(_ path: String, _ folder: Folder) throws {
    let reader = try RecordingReader(path: path)
    _ = try RecordingCheck.findings(in: reader)
    _ = try RecordingStatistics(reader, slices: 7, hottest: 5)
    _ = try RecordingStatistics(reader, slices: 100_000, hottest: 5, from: "m")
    try CSVExport.write(reader, to: folder.file("out"))
    try PerfettoExport.write(reader, to: folder.file("out"), slices: 3)
    _ = try RecordingCut(from: "m", to: nil).write(reader, to: folder.file("out"), level: 1)
    _ = try RecordingReader(path: path, salvage: true)
  }

  private static func sample(_ path: String) throws {
    var description = Sample.description()
    description.marks = [.init(id: 3, name: "m")]
    description.regions = [
      .init(id: 1, name: "r", gpa: 0x2000, bytes: 64), .init(id: 1, name: "r", gpa: 0x5000, bytes: 9),
    ]
    description.symbols = [.init(name: "s", gpa: 0x2000, size: 64)]
    description.groundTruth = [
      .init(attack: "A1", act: "x", kind: .write, mark: "m", gpa: 0x2000, bytes: 8, expected: "r"),
      .init(attack: "A2", act: "y", kind: .hypercall, mark: "m", gpa: 0x3000, bytes: 3, expected: "refused"),
    ]
    description.workload = "w"
    description.replicate = 2
    description.instructionsPerSecond = 3_000_000_000
    description.cut = .init(from: "m", to: nil, digest: "d", firstClocks: [1, 2])
    let writer = try RecordingWriter(path: path, description: description, options: Sample.small)
    for index in 0..<300 as Range<UInt64> {
      try writer.write(
        vcpu: Int(index % 2), count: index + 1, gpa: .init(0x1ff8 + 8 * index), gva: .init(0x1ff8 + 8 * index), size: 8)
      try writer.accesses(.init(kind: .load, vcpu: 0, count: index + 1, page: .init(2), accesses: 3))
      if index == 20 { try writer.event(.mark(.init(vcpu: 0, count: 22, id: 3, rip: .init(0)))) }
    }
    _ = try writer.finish()
  }

  /// The places of all numbers in a JSON text that an encoder wrote.
  private static func places(in json: String) -> [Range<String.Index>] {
    json.matches(of: /[:\[,](-?\d+)/).map { $0.output.1.startIndex..<$0.output.1.endIndex }
  }

  @Test("is refused or read, each number by itself changed to each that is odd")
  func everyNumber() throws {
    let folder = Folder()
    let (sound, path) = (folder.file("sound"), folder.file("t"))
    try Self.sample(sound)
    try Self.use(sound, folder)
    let reader = try RecordingReader(path: sound)
    let json = String(decoding: try Forge.json(of: reader.header), as: UTF8.self)
    let places = Self.places(in: json)
    try #require(places.count > 25)
    var (accepted, refused) = (0, 0)
    for place in places {
      for number in Self.numbers {
        let forged = json.replacingCharacters(in: place, with: number)
        try Forge.rebuild(reader, json: Data(forged.utf8), to: path)
        do {
          try Self.use(path, folder)
          accepted += 1
          // What was accepted counts as the blocks do.
          let totals = try RecordingReader(path: path).header.totals
          let sound = reader.header.totals
          #expect(
            (totals.writes, totals.accesses, totals.runs, totals.events, totals.vcpus)
              == (sound.writes, sound.accesses, sound.runs, sound.events, sound.vcpus), "\(number) at \(json[place])")
        } catch let error as RecordingError {
          refused += 1
          #expect(!error.description.contains("\n"))
        }
      }
    }
    print("headers: \(accepted) read, \(refused) refused, of \(places.count) numbers changed to \(Self.numbers.count)")
    #expect(accepted > 0 && refused > places.count * 10)
  }

  @Test("is refused or read, several numbers changed at once", arguments: [1, 2, 3] as [UInt64])
  func manyNumbers(seed: UInt64) throws {
    let folder = Folder()
    let (sound, path) = (folder.file("sound"), folder.file("t"))
    try Self.sample(sound)
    let reader = try RecordingReader(path: sound)
    let json = String(decoding: try Forge.json(of: reader.header), as: UTF8.self)
    var random = SplitMix64(seed: seed)
    for _ in 0..<400 {
      var forged = json
      for place in Self.places(in: json).reversed() where Int.random(in: 0..<6, using: &random) == 0 {
        forged.replaceSubrange(place, with: Self.numbers[Int.random(in: 0..<27, using: &random)])
      }
      try Forge.rebuild(reader, json: Data(forged.utf8), to: path)
      do { try Self.use(path, folder) } catch let error as RecordingError { #expect(!error.description.isEmpty) }
    }
  }

  @Test("cannot be written either: a description of places that no machine has is refused")
  func writing() throws {
    let folder = Folder()
    let changes: [(inout RecordingDescription) -> Void] = [
      { $0.guest.ramBytes = .max }, { $0.guest.ramBytes = 1 << 52 + 1 }, { $0.guest.vcpus = 0 },
      { $0.guest.vcpus = -1 }, { $0.guest.vcpus = 257 },
      { $0.workload = "" }, { $0.workload = String(repeating: "w", count: 201) },
      { $0.replicate = 0 }, { $0.replicate = .max }, { $0.instructionsPerSecond = 0 },
      { $0.instructionsPerSecond = .max }, { $0.cut = .init(from: nil, to: nil, digest: nil, firstClocks: [.max]) },
      { $0.regions = [.init(id: 1, name: "r", gpa: .max, bytes: 2)] },
      { $0.symbols = [.init(name: "s", gpa: 1, size: .max)] },
      {
        $0.groundTruth = [
          .init(attack: "a", act: "b", kind: .write, mark: "m", gpa: 1 << 52, bytes: 1, expected: "none")
        ]
      },
    ]
    for change in changes {
      var description = Sample.description()
      change(&description)
      let error = #expect(throws: RecordingError.self) {
        try RecordingWriter(path: folder.file("t"), description: description)
      }
      #expect(error?.kind == .input && folder.names.isEmpty)
    }
    var description = Sample.description()
    description.guest.ramBytes = 1 << 52
    _ = try RecordingWriter(path: folder.file("t"), description: description)
  }
}
