#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A file that is written from front to back: the blocks of a trace that is being made, or the trace itself.
final class OutputFile: Sendable {
  private let descriptor: Int32
  private let name: String
  private let closes: Bool

  /// Opens a device or a pipe; `-` is standard output.
  init(inPlace path: String) throws(RecordingError) {
    name = path == "-" ? "standard output" : path
    closes = path != "-"
    descriptor = path == "-" ? STDOUT_FILENO : open(path, O_WRONLY | O_CLOEXEC)
    if descriptor < 0 { throw Self.error(name, doing: "written", remedy: "name a file in a folder you may write to") }
  }

  /// A file without a name in a folder, which ``link(to:)`` can give it; nil where the file system knows no such files.
  init?(unnamedIn folder: some StringProtocol, named name: String) {
    self.name = name
    closes = true
    // O_TMPFILE, which Glibc's header hides.
    descriptor = open(String(folder), 0o20_200_000 | O_WRONLY | O_CLOEXEC, 0o644)
    if descriptor < 0 { return nil }
  }

  /// Gives a file without a name one that nobody has.
  func link(to path: String) -> Bool {
    linkat(AT_FDCWD, "/proc/self/fd/\(descriptor)", AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0
  }

  /// Opens or creates a file.
  init(path: String) throws(RecordingError) {
    name = path
    closes = true
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    if descriptor < 0 { throw Self.error(name, doing: "created", remedy: "name a file in a folder you may write to") }
  }

  /// A file without a name beside the path: gone when it is closed, whatever happens.
  init(unnamedBeside path: String) throws(RecordingError) {
    name = path
    closes = true
    let folder =
      path == "-" ? "/tmp" : path.contains("/") ? String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) : "."
    var template = Array("\(folder.isEmpty ? "/" : folder)/.trace-blocks-XXXXXX".utf8CString)
    descriptor = mkstemp(&template)
    if descriptor < 0 { throw Self.error(path, doing: "created", remedy: "name a file in a folder you may write to") }
    unlink(template)
  }

  deinit { if closes { close(descriptor) } }

  func write(_ bytes: UnsafeRawBufferPointer) throws(RecordingError) {
    var done = 0
    while done < bytes.count {
      let count = Glibc.write(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done)
      if count < 0 {
        if errno == EINTR { continue }
        throw Self.error(name, doing: "written", remedy: "make room on the disk, or keep the reading end open")
      }
      done += count
    }
  }

  /// Hands every byte written so far to the body, from the front, in pieces.
  func readBack(_ body: (UnsafeRawBufferPointer) throws(RecordingError) -> Void) throws(RecordingError) {
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { piece.deallocate() }
    var offset = 0
    while true {
      let count = pread(descriptor, piece.baseAddress, piece.count, offset)
      if count < 0 {
        if errno == EINTR { continue }
        throw Self.error(name, doing: "read back", remedy: "check the disk")
      }
      if count == 0 { return }
      try body(UnsafeRawBufferPointer(rebasing: piece[..<count]))
      offset += count
    }
  }

  static func error(_ name: String, doing: String, remedy: String) -> RecordingError {
    RecordingError(
      .file, file: name, found: "\"\(String(cString: strerror(errno)))\"", expected: "a file that can be \(doing)",
      remedy: remedy)
  }
}
