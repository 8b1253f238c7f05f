#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// An output that appears under its name when it is whole, and leaves nothing if it never is, however the program ends: until
/// then it has no name, where the file system can do that.
///
/// `-` is standard output. Links are followed. What is there and no ordinary file, a device or a pipe, is written in place.
final class WholeFile {
  private let target: String
  private let temporary: String?
  private let file: OutputFile
  /// Whether there is a file under the temporary name.
  private var isNamed = false

  init(path: String) throws(RecordingError) {
    var status = stat()
    if path == "-" || stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFREG {
      (target, temporary) = (path, nil)
      file = try OutputFile(inPlace: path)
      return
    }
    let resolved = realpath(path, nil)
    defer { free(resolved) }
    let target = resolved.map { String(cString: $0) } ?? path
    self.target = target
    let temporary = "\(target).tmp-\(getpid())"
    self.temporary = temporary
    let folder = target.lastIndex(of: "/").map { target[...$0] } ?? "./"
    if let unnamed = OutputFile(unnamedIn: folder, named: path) {
      file = unnamed
    } else {
      file = try OutputFile(path: temporary)
      isNamed = true
    }
  }

  deinit { if isNamed, let temporary { unlink(temporary) } }

  func write(_ bytes: UnsafeRawBufferPointer) throws(RecordingError) { try file.write(bytes) }

  /// Puts the file in its place.
  func finish() throws(RecordingError) {
    guard let temporary else { return }
    if !isNamed {
      unlink(temporary)
      isNamed = file.link(to: temporary)
    }
    guard isNamed, rename(temporary, target) == 0 else {
      throw OutputFile.error(target, doing: "put in place", remedy: "name a file in a folder you may write to")
    }
    isNamed = false
  }
}
