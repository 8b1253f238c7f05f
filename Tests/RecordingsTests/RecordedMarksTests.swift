import Testing

@testable import Recordings

@Suite("The marks of a recording")
struct RecordedMarksTests {
  @Test("are those that have a record, of a cut those of before it apart")
  func marks() throws {
    let (folder, reader) = try RecordingCutTests.marked()
    let whole = try RecordedMarks(reader)
    #expect(whole.marks.map(\.name) == ["one", "two"] && whole.before.isEmpty)
    _ = try RecordingCut(from: "two", to: nil).write(reader, to: folder.file("cut"), level: 1)
    let cut = try RecordedMarks(RecordingReader(path: folder.file("cut")))
    #expect(cut.marks.map(\.name) == ["two"] && cut.before.map(\.name) == ["one"])
    _ = try RecordingCut(from: nil, to: "two").write(reader, to: folder.file("front"), level: 1)
    let front = try RecordedMarks(RecordingReader(path: folder.file("front")))
    #expect(front.marks.map(\.name) == ["one"] && front.before.isEmpty)
  }

  @Test("of a cut without the field are told by its note")
  func note() throws {
    let (folder, reader) = try RecordingCutTests.marked()
    _ = try RecordingCut(from: "two", to: nil).write(reader, to: folder.file("cut"), level: 1)
    try Forge.header(of: folder.file("cut")) { $0.recording.cut = nil }
    let cut = try RecordedMarks(RecordingReader(path: folder.file("cut")))
    #expect(cut.marks.map(\.name) == ["two"] && cut.before.map(\.name) == ["one"])
  }
}
