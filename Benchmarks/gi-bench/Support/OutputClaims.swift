import ArgumentParser
import Recordings

/// Tells outputs from what is read, and from each other, before anything is written.
struct OutputClaims {
  private let read: Set<String>
  private var taken: Set<String> = []

  /// Nothing is written yet, and these paths are read; `-` is what the standard input was redirected from.
  init(inputs: [String]) {
    read = Set(inputs.compactMap { OutputTarget.resolved($0 == InputFile.standardInput ? "/dev/stdin" : $0) })
  }

  /// The file at a path, proved writable; `twice` says what is wrong if it is claimed already.
  mutating func claim(_ path: String, twice: String) throws -> OutputFile {
    let file = try OutputFile(path)
    guard file.isDevice || !read.contains(file.canonicalPath) else {
      throw ValidationError("\(path) is also read, and would be overwritten; give another file")
    }
    guard file.isInPlace || taken.insert(file.canonicalPath).inserted else { throw ValidationError(twice) }
    return file
  }

  /// Refuses outputs of a command that are also read, and two of one name.
  static func check(_ outputs: [String?], inputs: [String?]) throws {
    var claims = OutputClaims(inputs: inputs.compactMap(\.self))
    for case let output? in outputs where output != OutputOptions.standardOutput {
      _ = try claims.claim(output, twice: "\(output) is written twice, and would be overwritten; give another file")
    }
  }
}
