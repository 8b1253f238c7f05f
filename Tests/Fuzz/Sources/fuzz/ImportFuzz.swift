import Foundation

@testable import Recordings

/// Logs of other tools, packed or not; the first byte chooses the format, or has it guessed, and says whether lines that are not
/// understood are left out and whether frames are numbered.
struct ImportFuzz: FuzzTarget {
  private let input = InputFile("import")

  /// The fixtures of the tests, each under its format and under the guess.
  var seeds: [[UInt8]] {
    let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(
      path: "../../../RecordingsTests/Fixtures")
    let names = [fixtures, fixtures.appending(path: "imports")].flatMap {
      (try? FileManager.default.contentsOfDirectory(at: $0, includingPropertiesForKeys: nil)) ?? []
    }
    let texts = names.compactMap { try? [UInt8](Data(contentsOf: $0).prefix(2000)) }
    return texts.flatMap { text in (0...UInt8(TextImport.Format.allCases.count)).map { [$0] + text } }
  }

  func read(_ bytes: UnsafeRawBufferPointer) {
    guard let kind = bytes.first else { return }
    let formats = TextImport.Format.allCases
    let choice = Int(kind & 0x3f) % (formats.count + 1)
    input.put(UnsafeRawBufferPointer(rebasing: bytes.dropFirst()))
    do {
      let text = try TextImport(
        choice < formats.count ? formats[choice] : nil, InputStream(path: input.path),
        options: .init(numbersFrames: kind & 0x40 != 0, isLenient: kind & 0x80 != 0))
      let writer = try RecordingWriter(
        path: "/dev/null", description: text.description(title: "fuzz"),
        options: .init(columns: text.columns, level: 1, runsPerBlock: 512, accessesPerBlock: 2048))
      let report = try text.convert(into: writer)
      precondition(report.skipped <= report.lines)
    } catch { precondition(error is RecordingError, "\(error)") }
  }
}

/// The recorder's stream: records of 64 bytes.
struct StreamFuzz: FuzzTarget {
  private let input = InputFile("stream")

  var seeds: [[UInt8]] {
    func record(_ kind: UInt8, _ size: UInt8, _ count: UInt8, _ address: UInt16) -> [UInt8] {
      var bytes = [UInt8](repeating: 0, count: 64)
      (bytes[0], bytes[2], bytes[8]) = (kind, size, count)
      (bytes[16], bytes[17], bytes[24], bytes[25]) = (
        UInt8(address & 255), UInt8(address >> 8), UInt8(address & 255), UInt8(address >> 8)
      )
      return bytes
    }
    let write = record(1, 8, 1, 0x1000)
    return [
      write + record(6, 0, 1, 0), record(2, 0, 1, 0) + record(0x82, 0, 0, 0), record(3, 0, 1, 0), record(4, 12, 1, 0),
      record(5, 0, 1, 0), write + record(1, 8, 2, 0x0ffc) + record(6, 0, 2, 0),
    ]
  }

  func read(_ bytes: UnsafeRawBufferPointer) {
    input.put(bytes)
    do {
      let writer = try RecordingWriter(
        path: "/dev/null", description: Sample.description(),
        options: .init(columns: .all, level: 1, runsPerBlock: 64, accessesPerBlock: 256))
      let report = try RecorderStream(name: "fuzz", allowsBrokenEnd: true).convert(
        InputStream(path: input.path), into: writer, ramBytes: Sample.ram)
      precondition(report.deviceWrites <= report.writes && report.writes <= report.records)
    } catch { precondition(error is RecordingError, "\(error)") }
  }
}
