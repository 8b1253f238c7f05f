#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// An output that appears under its name when it is whole, and leaves nothing if it never is.
///
/// `-` is standard output. Links are followed. What is there and no ordinary file, a device or a pipe, is written in place.
final class WholeFile {
  private let target: String
  private let temporary: String?
  private let file: OutputFile
  private var isFinished = false

  init(path: String) throws(TraceError) {
    var status = stat()
    if path == "-" || stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFREG {
      (target, temporary) = (path, nil)
      file = try OutputFile(inPlace: path)
      return
    }
    let resolved = realpath(path, nil)
    defer { free(resolved) }
    target = resolved.map { String(cString: $0) } ?? path
    let temporary = "\(target).tmp-\(getpid())"
    self.temporary = temporary
    file = try OutputFile(path: temporary)
  }

  deinit { if !isFinished, let temporary { unlink(temporary) } }

  func write(_ bytes: UnsafeRawBufferPointer) throws(TraceError) { try file.write(bytes) }

  /// Puts the file in its place.
  func finish() throws(TraceError) {
    if let temporary, rename(temporary, target) != 0 {
      throw OutputFile.error(target, doing: "put in place", remedy: "name a file in a folder you may write to")
    }
    isFinished = true
  }
}
