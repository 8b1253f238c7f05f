import Foundation
import Testing

@testable import gi_bench

@Suite("An output file")
struct OutputFileTests {
  @Test("is not there until it is written, then whole, with nothing beside it")
  func writes() throws {
    let folder = try Program.Folder()
    let file = try OutputFile(folder.path + "/a")
    #expect(try folder.names == [])
    try file.write("text")
    #expect(try folder.names == ["a"])
    #expect(try folder.text("a") == "text")
    try file.write("shorter".uppercased())
    #expect(try folder.text("a") == "SHORTER")
  }

  @Test("keeps its permissions and the links that lead to it")
  func keepsLinks() throws {
    let folder = try Program.Folder()
    let target = try folder.file("target", "old")
    chmod(target, 0o640)
    symlink("target", folder.path + "/link")
    try OutputFile(folder.path + "/link").write("new")
    #expect(try folder.text("target") == "new")
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder.path + "/link") == "target")
    #expect(try FileManager.default.attributesOfItem(atPath: target)[.posixPermissions] as? Int == 0o640)
  }

  @Test("that is a device is written in place, not replaced")
  func device() throws {
    try OutputFile("/dev/null").write("text")
    let type = try FileManager.default.attributesOfItem(atPath: "/dev/null")[.type] as? FileAttributeType
    #expect(type == .typeCharacterSpecial)
  }

  @Test("that cannot be written is refused before the work")
  func refused() throws {
    let folder = try Program.Folder()
    let error = #expect(throws: Failure.self) { try OutputFile(folder.path) }
    #expect(error?.sentence == "\(folder.path): a directory, expected a file to write; give the path of a file")
    let missing = #expect(throws: Failure.self) { try OutputFile(folder.path + "/none/a") }
    #expect(
      missing?.sentence == "\(folder.path)/none/a: cannot be written, no such file or directory; give another path")
    #expect(throws: Failure.self) { try OutputFile("") }
  }
}
