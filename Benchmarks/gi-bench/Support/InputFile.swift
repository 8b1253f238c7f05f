import Foundation

/// Files that are read, checked before anything is done with them.
enum InputFile {
  /// The path that means the standard input.
  static let standardInput = "-"

  /// All bytes of a file of at most `limit` bytes; `what` says what was expected.
  static func read(_ path: String, atMost limit: Int, expecting what: String) throws -> Data {
    let descriptor = path == standardInput ? dup(0) : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw unreadable(path, expecting: what) }
    defer { close(descriptor) }
    try refuseDirectory(descriptor, path, expecting: what)
    var data = Data()
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw unreadable(path, expecting: what) }
      if count == 0 { break }
      data.append(contentsOf: buffer[..<count])
      guard data.count <= limit else {
        throw Failure("\(path): more than \(limit >> 20) MiB, expected \(what); give another file")
      }
    }
    guard !data.isEmpty else { throw Failure("\(path): empty, expected \(what); give another file") }
    return data
  }

  /// Refuses what cannot be a trace before a long run begins.
  static func checkTraces(_ paths: [String]) throws {
    guard paths.count(where: { $0 == standardInput }) <= 1 else {
      throw Failure(
        .usage, "'-' was given twice, but standard input can be read only once; use a file path for one of them")
    }
    for path in paths where path != standardInput {
      let what = "a gi-bench trace"
      let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
      guard descriptor >= 0 else { throw unreadable(path, expecting: what) }
      defer { close(descriptor) }
      let status = try refuseDirectory(descriptor, path, expecting: what)
      if status.st_mode & S_IFMT == S_IFREG, status.st_size == 0 {
        throw Failure("\(path): empty, expected \(what); record or convert one with `gi-bench trace`")
      }
    }
  }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Whether a path is a file that can be read a second time.
  static func isRegular(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  /// The bytes of a file that can be read a second time; nil for any other.
  static func size(_ path: String) -> UInt64? {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG ? UInt64(status.st_size) : nil
  }

  @discardableResult
  static func refuseDirectory(_ descriptor: Int32, _ path: String, expecting what: String) throws -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw unreadable(path, expecting: what) }
    guard status.st_mode & S_IFMT != S_IFDIR else {
      throw Failure("\(path): a directory, expected \(what); give the path of a file")
    }
    return status
  }

  static func unreadable(_ path: String, expecting what: String) -> Failure {
    Failure("\(path): \(String(cString: strerror(errno)).lowercased()), expected \(what); check the path")
  }
}
