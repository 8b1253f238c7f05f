#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Bytes from a file or a pipe, from front to back.
public final class InputStream {
  /// The name for messages.
  public let name: String
  private let descriptor: Int32

  /// Opens a file; `-` is standard input.
  public init(path: String) throws(RecordingError) {
    name = path == "-" ? "standard input" : path
    descriptor = path == "-" ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw OutputFile.error(name, doing: "read", remedy: "check the name and its permissions")
    }
    var status = stat()
    if fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
      throw RecordingError(
        .file, file: name, found: "a directory", expected: "a file", remedy: "name the file inside it")
    }
    if Self.isEndless(descriptor) {
      throw RecordingError(
        .file, file: name, found: "a device without an end", expected: "a file or a stream", remedy: "name a file")
    }
    // A larger pipe spares system calls; where it is refused, the small one works.
    #if os(Linux)
      _ = fcntl(descriptor, 1031 /* F_SETPIPE_SZ */, 1 << 20)
    #endif
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Whether a descriptor leads to a device that gives bytes for ever: one that is neither a terminal nor the null device.
  package static func isEndless(_ descriptor: Int32) -> Bool {
    var (status, null) = (stat(), stat())
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFCHR, isatty(descriptor) == 0 else {
      return false
    }
    return stat("/dev/null", &null) != 0 || status.st_rdev != null.st_rdev
  }

  /// Fills the target; fewer bytes than it holds mean the end.
  public func fill(_ target: UnsafeMutableRawBufferPointer) throws(RecordingError) -> Int {
    var done = 0
    while done < target.count {
      let count = read(descriptor, target.baseAddress?.advanced(by: done), target.count - done)
      if count < 0 {
        if errno == EINTR { continue }
        throw OutputFile.error(name, doing: "read", remedy: "check the source")
      }
      if count == 0 { break }
      done += count
    }
    return done
  }
}
