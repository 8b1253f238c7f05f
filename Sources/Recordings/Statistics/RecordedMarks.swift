/// The marks that really have a record, each once, in the order of their first; those of before a cut apart.
package struct RecordedMarks: Sendable {
  /// The marks in the recording itself.
  package private(set) var marks: [RecordingDescription.NamedMark] = []
  /// Of a cut, the marks in front of it, whose records were kept with the other events.
  package private(set) var before: [RecordingDescription.NamedMark] = []

  /// Reads the events, and nothing else.
  package init(_ reader: RecordingReader) throws(RecordingError) {
    let recording = reader.header.recording
    let names = Dictionary(recording.marks.map { ($0.id, $0.name) }, uniquingKeysWith: { first, _ in first })
    let first = recording.part?.from.flatMap { name in recording.marks.first { $0.name == name }?.id }
    var seen: Set<UInt64> = []
    var isBefore = first != nil
    let block = RecordingBlock()
    for number in reader.blocks.indices {
      try reader.read(block: number, columns: .events, into: block)
      for placed in block.events {
        guard case .mark(let mark) = placed.event else { continue }
        if isBefore, mark.id == first {
          isBefore = false
          seen.removeAll()
        }
        // A header names a mark once; a hostile recording may have as many ids as events.
        guard seen.insert(mark.id).inserted, let name = names[mark.id] else { continue }
        let named = RecordingDescription.NamedMark(id: mark.id, name: name)
        if isBefore { before.append(named) } else { marks.append(named) }
      }
    }
  }
}
