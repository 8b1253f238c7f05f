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

  private init(_ descriptor: Int32, _ name: String) {
    (self.descriptor, self.name, closes) = (descriptor, name, true)
  }

  /// Opens what is written in place; `-` is standard output.
  init(inPlace path: String) throws(RecordingError) {
    name = path == OutputTarget.standardOutput ? "standard output" : path
    closes = path != OutputTarget.standardOutput
    descriptor = closes ? open(path, O_WRONLY | O_APPEND | O_CLOEXEC) : STDOUT_FILENO
    if descriptor < 0 { throw Self.error(name, doing: "written", remedy: "name a file in a folder you may write to") }
  }

  /// A file without a name in a folder, gone when it is closed unless ``linked(in:)`` gives it one; nil where the file system
  /// knows no such files.
  convenience init?(unnamedIn folder: String, named name: String, mode: mode_t) {
    // O_TMPFILE, which Glibc's header hides.
    let descriptor = open(folder, 0o20_200_000 | O_RDWR | O_CLOEXEC, mode)
    if descriptor < 0 { return nil }
    self.init(descriptor, name)
  }

  /// A file under a name that nobody has; `path` is what errors call it.
  static func temporary(in folder: String, for path: String) throws(RecordingError) -> (OutputFile, name: String) {
    for name in temporaryNames(in: folder) {
      let descriptor = open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o666)
      if descriptor >= 0 { return (OutputFile(descriptor, path), name) }
      if errno != EEXIST { break }
    }
    throw error(path, doing: "created", remedy: "name a file in a folder you may write to")
  }

  /// A file without a name in a folder, whatever the file system knows.
  static func unnamed(in folder: String, for path: String) throws(RecordingError) -> OutputFile {
    if let file = OutputFile(unnamedIn: folder, named: path, mode: 0o600) { return file }
    let (file, name) = try temporary(in: folder, for: path)
    unlink(name)
    return file
  }

  /// Gives a file without a name one that nobody has; nil, and errno, if that cannot be.
  func linked(in folder: String) -> String? {
    for name in Self.temporaryNames(in: folder) {
      if linkat(AT_FDCWD, "/proc/self/fd/\(descriptor)", AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0 { return name }
      if errno != EEXIST { break }
    }
    return nil
  }

  /// Names to try, none longer than any name may be: the output's own may have no room for a letter more.
  private static func temporaryNames(in folder: String) -> some Sequence<String> {
    (0..<100).lazy.map { "\(folder)/.gi-bench-\(getpid())-\($0)" }
  }

  /// Takes over owner and mode of the file that this one replaces, as far as the system allows.
  func take(over replaced: OutputTarget.Replaced?) {
    guard let replaced else { return }
    _ = fchown(descriptor, replaced.owner, replaced.group)
    _ = fchmod(descriptor, replaced.mode)
  }

  /// Waits until everything is on the disk, so that a full or broken one is noticed while the old file is still there.
  func synchronise() throws(RecordingError) {
    if fsync(descriptor) != 0 { throw Self.error(name, doing: "written", remedy: "check the disk and the room on it") }
  }

  deinit { if closes { close(descriptor) } }

  func write(_ bytes: UnsafeRawBufferPointer) throws(RecordingError) {
    if !Self.write(bytes, to: descriptor) {
      throw Self.error(name, doing: "written", remedy: "make room on the disk, or keep the reading end open")
    }
  }

  /// Writes all of the bytes; false, and errno, if that cannot be.
  static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Bool {
    var done = 0
    while done < bytes.count {
      let count = Glibc.write(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done)
      if count < 0, errno == EINTR { continue }
      // A file system in user space may take nothing, for ever.
      if count == 0 { errno = EIO }
      if count <= 0 { return false }
      done += count
    }
    return true
  }

  /// Hands every byte written so far to the body, from the front, in pieces.
  func readBack(_ body: (UnsafeRawBufferPointer) throws(RecordingError) -> Void) throws(RecordingError) {
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 17, alignment: 64)
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
