import Foundation

/// A folder that only we can read, removed with all that is in it.
struct TemporaryFolder {
  let path: String

  /// An empty folder below TMPDIR.
  init() throws {
    let parent = FileManager.default.temporaryDirectory.path
    var template = Array("\(parent)/gi-bench-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw Failure("\(parent): no temporary folder can be made there; set TMPDIR to a folder that can be written")
    }
    path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// Writes a file into it.
  func write(_ bytes: [UInt8], to name: String) throws {
    do {
      try Data(bytes).write(to: URL(filePath: path + "/" + name))
    } catch {
      throw Failure("\(path)/\(name): cannot be written, is the disk full? Make room, or set TMPDIR to another folder")
    }
  }

  /// Removes it.
  func remove() { try? FileManager.default.removeItem(atPath: path) }
}
