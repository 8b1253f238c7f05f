import Addresses

/// The pages that a recording of numbered frames really is of: linear pages of a log of virtual addresses, or guest-physical
/// ones beyond what a run can name.
package struct TruePages: Sendable {
  /// What the true pages are.
  package let space: RecordedLog.PageSpace
  private var pages: [UInt64: UInt64] = [:]
  /// Frames by their true pages, ascending.
  private var frames: [(page: UInt64, frame: UInt64)] = []

  /// Reads which frame is which page, in one pass over the runs; nil where pages are what they are, or the trace has lost the
  /// column that tells.
  package init?(_ reader: RecordingReader) throws(RecordingError) {
    let header = reader.header
    guard header.recording.addresses == .virtual, header.columnSet.contains(.linearPages) else { return nil }
    space = header.recording.log?.truePages ?? .linear
    let block = RecordingBlock()
    for number in reader.blocks.indices {
      try reader.read(block: number, columns: [.runs, .linearPages], into: block)
      var last = UInt64.max
      for run in block.runs.indices {
        let frame = block.runs[run].page.rawValue
        if frame == last { continue }
        last = frame
        if pages[frame] == nil { pages[frame] = block.linearPages[run] }
      }
    }
    frames = pages.map { ($0.value, $0.key) }.sorted { $0.page < $1.page }
  }

  /// The true page of a frame.
  package subscript(frame: UInt64) -> UInt64 { pages[frame] ?? frame }

  /// The bytes of frames that stand for a range of true bytes; pages that no store reached have no frame. Not sorted by frame.
  package func bytes(of range: Range<UInt64>) -> [Range<UInt64>] {
    guard !range.isEmpty else { return [] }
    let (first, last) = (range.lowerBound >> 12, (range.upperBound - 1) >> 12)
    let start = frames.partitioningIndex { $0.page >= first }
    return frames[start...].prefix { $0.page <= last }.map { page, frame in
      let from = page == first ? range.lowerBound & 0xfff : 0
      let to = page == last ? (range.upperBound - 1) & 0xfff : 0xfff
      return frame << 12 | from..<(frame << 12 | to) + 1
    }
  }

  /// Symbols as they lie in frames: a piece for each page of them that a store reached.
  package func placed(_ symbols: [RecordingDescription.Symbol]) -> [RecordingDescription.Symbol] {
    symbols.flatMap { symbol in
      let (end, isBeyond) = symbol.gpa.addingReportingOverflow(max(symbol.size, 1))
      return bytes(of: symbol.gpa..<(isBeyond ? .max : end)).map {
        RecordingDescription.Symbol(name: symbol.name, gpa: $0.lowerBound, size: UInt64($0.count))
      }
    }
  }
}
