#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A file read at any offset, by any thread. Never mapped: a file cut short by someone else is an error, not a crash.
final class RecordingFile: Sendable {
  let name: String
  let size: UInt64
  private let descriptor: Int32

  /// Opens a file; `-` and anything that cannot be read at an offset is first copied to a file without a name.
  init(path: String) throws(RecordingError) {
    name = path == "-" ? "standard input" : path
    let opened = path == "-" ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)
    guard opened >= 0 else { throw OutputFile.error(name, doing: "read", remedy: "check the name and its permissions") }
    var status = stat()
    guard fstat(opened, &status) == 0 else {
      close(opened)
      throw OutputFile.error(name, doing: "read", remedy: "check the name")
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG:
      descriptor = opened
      size = UInt64(max(status.st_size, 0))
    case S_IFDIR:
      close(opened)
      throw RecordingError(
        .file, file: name, found: "a directory", expected: "a trace file", remedy: "name the file inside it")
    default:
      let spool = Self.spool(opened)
      close(opened)
      guard let spool else {
        throw OutputFile.error(
          name, doing: "copied to \(OutputTarget.temporaryFolder)",
          remedy: "make room there, or give the trace as a file")
      }
      (descriptor, size) = spool
    }
  }

  deinit { close(descriptor) }

  private static func spool(_ source: Int32) -> (descriptor: Int32, size: UInt64)? {
    var template = Array("\(OutputTarget.temporaryFolder)/trace-XXXXXX".utf8CString)
    let target = mkstemp(&template)
    guard target >= 0 else { return nil }
    unlink(template)
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
    defer { piece.deallocate() }
    var size: UInt64 = 0
    while true {
      let count = Glibc.read(source, piece.baseAddress, piece.count)
      if count < 0, errno == EINTR { continue }
      if count == 0 { return (target, size) }
      if count < 0 || !OutputFile.write(UnsafeRawBufferPointer(rebasing: piece[..<count]), to: target) {
        close(target)
        return nil
      }
      let isFirst = size == 0
      size += UInt64(count)
      // A stream that does not begin as a trace is copied no further: it may have no end.
      if isFirst, count >= 8, piece.loadUnaligned(as: UInt64.self) != RecordingFormat.magic { return (target, size) }
      if size > longestStream {
        close(target)
        errno = EFBIG
        return nil
      }
    }
  }

  /// The most bytes that are copied.
  private static let longestStream: UInt64 = 16 << 30

  /// Fills the target from the offset.
  func read(at offset: UInt64, into target: UnsafeMutableRawBufferPointer) throws(RecordingError) {
    var done = 0
    while done < target.count {
      let count = pread(descriptor, target.baseAddress?.advanced(by: done), target.count - done, Int(offset) + done)
      if count < 0 {
        if errno == EINTR { continue }
        throw OutputFile.error(name, doing: "read", remedy: "check the disk")
      }
      if count == 0 {
        throw RecordingError(
          .truncated, file: name, offset: offset + UInt64(done), found: "the end of the file",
          expected: "\(target.count - done) more bytes", remedy: "the file changed while it was read; copy it anew")
      }
      done += count
    }
  }

  /// Bytes of the file as an array; only for sizes that were checked.
  func bytes(at offset: UInt64, count: Int) throws(RecordingError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    try bytes.withUnsafeMutableBufferPointer { target throws(RecordingError) in
      try read(at: offset, into: UnsafeMutableRawBufferPointer(target))
    }
    return bytes
  }

  /// The XXH3-128 digest of the first bytes.
  func digest(of count: UInt64) throws(RecordingError) -> RecordingDigest {
    var digest = DigestStream()
    try pieces(from: 0, count: count) { digest.update($0) }
    return digest.digest()
  }

  /// The XXH3-64 checksum of bytes of the file.
  func checksum(at offset: UInt64, count: Int) throws(RecordingError) -> UInt64 {
    var stream = ChecksumStream()
    try pieces(from: offset, count: UInt64(count)) { stream.update($0) }
    return stream.checksum()
  }

  private func pieces(
    from start: UInt64, count: UInt64, _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(RecordingError) {
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { piece.deallocate() }
    var offset = start
    while offset < start + count {
      let part = UnsafeMutableRawBufferPointer(
        rebasing: piece[..<Int(min(UInt64(piece.count), start + count - offset))])
      try read(at: offset, into: part)
      body(UnsafeRawBufferPointer(part))
      offset += UInt64(part.count)
    }
  }
}
