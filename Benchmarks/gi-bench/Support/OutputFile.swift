import Foundation

/// A file that will be written: proved writable before a long run, written beside its name and renamed, so that a reader
/// never sees half of it.
struct OutputFile {
  /// The path as it was given.
  let path: String
  /// The path with links followed, which tells two names of one file.
  let canonicalPath: String
  /// Pipes, terminals and devices are written in place.
  let isInPlace: Bool
  /// Whether it is a terminal or another device, which does not lose what is read from it.
  let isDevice: Bool
  private let permissions: mode_t?

  /// Proves that `path` can be written; leaves no trace.
  init(_ path: String) throws {
    self.path = path
    var status = stat()
    if stat(path, &status) == 0 {
      switch status.st_mode & S_IFMT {
      case S_IFDIR: throw Failure("\(path): a directory, expected a file to write; give the path of a file")
      case S_IFREG: isInPlace = path.hasPrefix("/dev/") || path.hasPrefix("/proc/")
      default: isInPlace = true
      }
      isDevice = status.st_mode & S_IFMT == S_IFCHR
      guard access(path, W_OK) == 0 else { throw Self.unwritable(path) }
      permissions = status.st_mode & 0o7777
      canonicalPath = Self.resolved(path) ?? path
    } else {
      guard !path.isEmpty, !path.hasSuffix("/") else {
        throw Failure(.usage, "'\(path)' names no file to write; give the path of a file")
      }
      // Foundation's splitting of paths traps on names of one character.
      let name = path.lastIndex(of: "/").map { path[path.index(after: $0)...] } ?? path[...]
      let parent = path.dropLast(name.count)
      guard let directory = Self.resolved(parent.isEmpty ? "." : String(parent)) else { throw Self.unwritable(path) }
      isInPlace = false
      isDevice = false
      permissions = nil
      canonicalPath = directory == "/" ? directory + name : directory + "/" + name
    }
    guard !isInPlace else { return }
    close(try temporary())
    unlink(temporaryPath)
  }

  /// Writes the whole file, or throws and leaves what was there.
  func write(_ text: String) throws {
    if isInPlace {
      let descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
      guard descriptor >= 0 else { throw Self.unwritable(path) }
      defer { close(descriptor) }
      return try Self.writeAll(text, to: descriptor, named: path)
    }
    let descriptor = try temporary()
    do {
      defer { close(descriptor) }
      try Self.writeAll(text, to: descriptor, named: path)
      guard fsync(descriptor) == 0 else { throw Self.unwritable(path) }
    } catch {
      unlink(temporaryPath)
      throw error
    }
    guard rename(temporaryPath, canonicalPath) == 0 else {
      let failure = Self.unwritable(path)
      unlink(temporaryPath)
      throw failure
    }
  }

  /// Writes to the standard output, where a full disk is an error like any other.
  static func writeStandardOutput(_ text: String) throws {
    try writeAll(text, to: 1, named: "standard output")
  }

  private var temporaryPath: String { "\(canonicalPath).tmp-\(getpid())" }

  private func temporary() throws -> Int32 {
    let descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw Self.unwritable(path) }
    if let permissions { fchmod(descriptor, permissions) }
    return descriptor
  }

  private static func writeAll(_ text: String, to descriptor: Int32, named path: String) throws {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw unwritable(path) }
      rest = rest.dropFirst(count)
    }
  }

  /// The path of an existing file with links followed.
  static func resolved(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  private static func unwritable(_ path: String) -> Failure {
    Failure("\(path): cannot be written, \(String(cString: strerror(errno)).lowercased()); give another path")
  }
}
