import Replay
import Report

/// Files that hold saved results: what `run --save` writes, `compare` reads, and the gate's baselines are.
enum SavedFile {
  static func read(_ path: String) throws -> [RunResult] {
    try SavedResults.decode(
      InputFile.read(path, atMost: SavedResults.sizeLimit, expecting: "a result saved by `gi-bench run --save`"),
      origin: path)
  }
}
