import Foundation

@testable import Recordings

/// Logs of other tools, packed or not; the first byte chooses the format, or has it guessed.
struct ImportFuzz: FuzzTarget {
  private let folder = Folder()
  private let log: String
  private let trace: String

  init() {
    log = folder.file("log")
    trace = folder.file("trace")
  }

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

  func read(_ input: UnsafeRawBufferPointer) {
    let formats = TextImport.Format.allCases
    let choice = Int(input.first ?? 0) % (2 * formats.count + 2)
    let format = choice / 2 < formats.count ? formats[choice / 2] : nil
    guard FileManager.default.createFile(atPath: log, contents: Data(input.dropFirst())) else {
      fatalError("no room at \(log)")
    }
    do {
      let text = try TextImport(
        format, InputStream(path: log), options: .init(numbersFrames: choice & 4 != 0, isLenient: choice & 1 != 0))
      let writer = try RecordingWriter(
        path: trace, description: text.description(title: "fuzz"), options: .init(columns: text.columns, level: 1))
      let summary = try text.convert(into: writer).summary
      let reader = try RecordingReader(path: trace)
      precondition(reader.header == summary.header)
      var writes: UInt64 = 0
      try reader.forEachRecord { record in
        if case .write = record { writes += 1 }
        return true
      }
      precondition(writes == summary.header.totals.writes)
    } catch let error as RecordingError {
      precondition(!error.description.contains("\n"), error.description)
    } catch { fatalError("\(type(of: error)) came from importing a log: \(error)") }
  }
}
