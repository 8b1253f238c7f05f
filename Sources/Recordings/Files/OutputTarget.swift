#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Where an output goes: links are followed, also to where nothing stands yet; a file that stands there keeps its owner and its
/// mode, and one that may not be written is refused.
package struct OutputTarget: Sendable {
  /// The path as it was given; `-` is standard output.
  package let path: String
  /// The path with links followed, which tells two names of one file.
  package let canonicalPath: String
  /// Whether it is written in place: a device, a pipe, or what a file descriptor of this process leads to.
  package let isInPlace: Bool
  /// Whether it is a terminal or another device, which does not lose what is read from it.
  package let isDevice: Bool
  /// The file that stands there; nil if there is none.
  let replaced: Replaced?

  /// What a new file takes over from the one it replaces.
  struct Replaced: Sendable {
    var mode: mode_t
    var owner: uid_t
    var group: gid_t
  }

  /// Why a path cannot be written.
  package enum Refusal: Error {
    case directory
    case noName
    case system(Int32)
  }

  /// The standard output, as a path.
  package static let standardOutput = "-"

  /// Finds out where a path leads; changes nothing.
  package init(_ path: String) throws(Refusal) {
    self.path = path
    if path == Self.standardOutput {
      (canonicalPath, isInPlace, isDevice, replaced) = (path, true, false, nil)
      return
    }
    let end = try Self.end(ofLinks: path)
    var status = stat()
    if stat(end, &status) == 0 {
      let kind = status.st_mode & S_IFMT
      if kind == S_IFDIR { throw .directory }
      guard access(end, W_OK) == 0 else { throw .system(errno) }
      isInPlace = kind != S_IFREG || Self.isDescriptor(end)
      isDevice = kind == S_IFCHR
      canonicalPath = Self.resolved(end) ?? end
      replaced = Replaced(mode: status.st_mode & 0o7777, owner: status.st_uid, group: status.st_gid)
      return
    }
    guard errno == ENOENT else { throw .system(errno) }
    let (folder, name) = Self.split(end)
    if name.isEmpty { throw .noName }
    guard let folder = Self.resolved(folder) else { throw .system(errno) }
    (isInPlace, isDevice, replaced) = (false, false, nil)
    canonicalPath = (folder == "/" ? "" : folder) + "/" + name
  }

  /// Where a path leads; an error of recordings if it cannot be written.
  static func checked(_ path: String) throws(RecordingError) -> OutputTarget {
    do throws(Refusal) {
      return try OutputTarget(path)
    } catch {
      let found =
        switch error {
        case .directory: "a directory"
        case .noName: "a path that names no file"
        case .system(let number): "\"\(String(cString: strerror(number)))\""
        }
      throw RecordingError(
        .file, file: path, found: found, expected: "a file that can be written",
        remedy: "name a file in a folder you may write to")
    }
  }

  /// The folder in which it stands, or will; that of temporary files for what is written in place.
  var folder: String { isInPlace ? Self.temporaryFolder : Self.split(canonicalPath).folder }

  /// Where files without a name are made if no better place is known.
  package static var temporaryFolder: String {
    guard let set = getenv("TMPDIR"), set.pointee != 0 else { return "/tmp" }
    return String(cString: set)
  }

  /// The path of an existing file with links followed; nil, and errno, if there is none.
  package static func resolved(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// A path before and behind its last slash. (Foundation's splitting of paths traps on names of one character.)
  private static func split(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    let folder = String(path[..<slash])
    return (folder.isEmpty ? "/" : folder, String(path[path.index(after: slash)...]))
  }

  /// Follows the links that a path names, but not what stands for a descriptor of this process: behind it may be a file that has
  /// no name any more, and that other programs write, too.
  private static func end(ofLinks path: String) throws(Refusal) -> String {
    var path = path
    for _ in 0..<40 {
      if isDescriptor(path) { return path }
      var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
      let count = readlink(path, &buffer, buffer.count)
      if count < 0 { return path }
      let target = String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
      path = target.hasPrefix("/") ? target : split(path).folder + "/" + target
    }
    throw .system(ELOOP)
  }

  private static func isDescriptor(_ path: String) -> Bool {
    ["/proc/", "/dev/fd/"].contains(where: path.hasPrefix) || ["/dev/stdout", "/dev/stderr"].contains(path)
  }
}
