import Foundation
import Recordings
import Sweeps

/// What files hold, by their XXH3-128.
enum InputDigest {
  /// The digest of a recording, which is also checked to be one.
  static func ofRecording(_ path: String) throws -> String {
    try InputFile.checkTraces([path])
    guard let digest = try RecordingReader(path: path, symbols: false).digest else {
      throw Failure("\(path): no whole recording; record it again")
    }
    return digest.description
  }

  /// The digest of a file that options name.
  static func of(_ path: String) throws -> String {
    RecordingDigest(of: try InputFile.read(path, atMost: 64 << 20, expecting: "an input of the sweep"))
      .description
  }
}

/// The recordings of a sweep that are made up.
enum SweptRecordings {
  /// Makes those that cells need and the folder lacks; another process may do the same, since each appears whole.
  static func make(_ cells: [SweepCell], of manifest: SweepManifest, in folder: SweepFolder) throws {
    for name in Set(cells.map(\.recording)).sorted() {
      guard let made = manifest.generated[name], !InputFile.exists(folder.recordingPath(name)) else { continue }
      guard let generator = made.generator else {
        throw Failure("\(folder.path)/manifest.json: \(name) is made from no known workload; begin the sweep anew")
      }
      _ = try generator.write(to: folder.recordingPath(name))
    }
  }
}
