import Addresses

/// Takes the part of a trace between two marks.
///
/// What a replay must know from before is kept: the events of the part left out in front stand, in their order and without
/// the stores between them, at the start. The ground truth keeps the acts that are still there: those whose mark lies in the part,
/// and the hypercalls in front of it.
package struct RecordingCut {
  /// The name of the mark at which the part begins; nil for the start.
  package var from: String?
  /// The name of the mark before which the part ends; nil for the end.
  package var to: String?

  /// A part by its marks.
  package init(from: String?, to: String?) {
    self.from = from
    self.to = to
  }

  /// Writes the part to a trace at `path`, with the same columns.
  package func write(
    _ reader: RecordingReader, to path: String, level: Int = 19
  ) throws -> RecordingWriter.Summary {
    let first = try id(of: from, in: reader)
    let last = try id(of: to, in: reader)
    var description = reader.header.recording
    let cut = RecordingPart(from: from, to: to, digest: reader.digest.map { "\($0)" })
    // Where the part begins is known to a block, and exactly once the mark comes.
    var clocks = description.part?.firstClocks ?? []
    description.notes.append(cut.note)
    let part = try find(in: reader, first: first, last: last)
    let ids = Dictionary(description.marks.map { ($0.name, $0.id) }, uniquingKeysWith: { first, _ in first })
    description.groundTruth.removeAll { truth in
      guard let id = ids[truth.mark] else { return true }
      return !part.marks.contains(id) && !(truth.kind == .hypercall && part.marksBefore.contains(id))
    }

    clocks += [UInt64](repeating: 0, count: max(reader.header.totals.vcpus - clocks.count, 0))
    func pass(_ vcpu: Int, _ count: UInt64) { clocks[vcpu] = max(clocks[vcpu], count) }
    if reader.blocks.indices.contains(part.block) {
      for (vcpu, count) in reader.blocks[part.block].clocks.enumerated() { pass(vcpu, count) }
    }
    let writer = try RecordingWriter(
      path: path, description: description, options: .init(columns: reader.header.columnSet, level: level))
    if !reader.header.complete || reader.isSalvaged { writer.markIncomplete() }
    for event in part.before { try writer.event(event) }
    var isInside = first == nil
    try reader.forEachRecord(from: part.block) { record in
      if case .event(.mark(let mark)) = record {
        if isInside, mark.id == last { return false }
        if !isInside, mark.id == first {
          isInside = true
          pass(mark.vcpu, mark.count)
        }
      }
      if isInside {
        try writer.append(record)
        return true
      }
      switch record {
      case .event(let event):
        pass(event.vcpu, event.count)
        try writer.event(event)
      case .write(let write): pass(write.vcpu, write.count)
      case .accesses: break
      }
      return true
    }
    writer.description.cut = cut
    writer.description.cut?.firstClocks = clocks
    return try writer.finish()
  }

  private func id(of name: String?, in reader: RecordingReader) throws(RecordingError) -> UInt64? {
    guard let name else { return nil }
    let marks = reader.header.recording.marks
    guard let mark = marks.first(where: { $0.name == name }) else {
      throw RecordingError(
        .input, file: reader.name, found: "no mark named \"\(name)\"",
        expected: marks.isEmpty ? "marks, but this trace has none" : "one of the marks of this trace",
        remedy: "list them with `gi-bench trace info`")
    }
    return mark.id
  }

  /// Where a part lies.
  private struct Part {
    /// The block in which it begins.
    var block = 0
    /// The events of the blocks before.
    var before: [RecordedEvent] = []
    /// The marks in front of it.
    var marksBefore: Set<UInt64> = []
    /// The marks inside it.
    var marks: Set<UInt64> = []
  }

  /// Finds the part by events alone; throws when it never begins or never ends.
  private func find(in reader: RecordingReader, first: UInt64?, last: UInt64?) throws(RecordingError) -> Part {
    var part = Part()
    var isInside = first == nil
    let block = RecordingBlock()
    for number in reader.blocks.indices {
      try reader.read(block: number, into: block)
      for placed in block.events {
        guard case .mark(let mark) = placed.event else { continue }
        if isInside, mark.id == last { return part }
        if !isInside, mark.id == first {
          isInside = true
          part.block = number
        }
        if isInside { part.marks.insert(mark.id) } else { part.marksBefore.insert(mark.id) }
      }
      if !isInside { part.before += block.events.map(\.event) }
    }
    if isInside, last == nil { return part }
    throw RecordingError(
      .input, file: reader.name, found: "no mark \"\((isInside ? to : from) ?? "")\" among the records",
      expected: isInside ? "it behind \"\(from ?? "the start")\"" : "it",
      remedy: "see the order of marks with `gi-bench trace view --events`")
  }
}
