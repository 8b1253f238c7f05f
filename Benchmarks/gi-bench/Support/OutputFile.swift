import Foundation
import Recordings

/// A text that will be written: its place is proved writable before a long run, and a reader never sees half of it.
struct OutputFile {
  private let target: OutputTarget

  /// The path with links followed, which tells two names of one file.
  var canonicalPath: String { target.canonicalPath }
  /// Pipes, terminals and devices are written in place.
  var isInPlace: Bool { target.isInPlace }
  /// Whether it is a terminal or another device, which does not lose what is read from it.
  var isDevice: Bool { target.isDevice }

  /// Proves that `path` can be written; leaves no trace.
  init(_ path: String) throws {
    do {
      target = try OutputTarget(path)
    } catch {
      throw Self.failure(path, error)
    }
    if !isInPlace { _ = try WholeFile(target) }
  }

  /// Takes away what stands there, so that a run which does not come to its end leaves nothing that could be taken for its result.
  func withdraw() { if !isInPlace { unlink(canonicalPath) } }

  /// Writes the whole file, or throws and leaves what was there.
  func write(_ text: String) throws { try WholeFile.write(text, to: target) }

  /// Writes to the standard output, where a full disk is an error like any other.
  static func writeStandardOutput(_ text: String) throws {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(1, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw unwritable("standard output", errno) }
      rest = rest.dropFirst(count)
    }
  }

  private static func failure(_ path: String, _ refusal: OutputTarget.Refusal) -> Failure {
    switch refusal {
    case .directory: Failure("\(path): a directory, expected a file to write; give the path of a file")
    case .noName: Failure(.usage, "'\(path)' names no file to write; give the path of a file")
    case .system(let error): unwritable(path, error)
    }
  }

  private static func unwritable(_ path: String, _ error: Int32) -> Failure {
    Failure("\(path): cannot be written, \(String(cString: strerror(error)).lowercased()); give another path")
  }
}
