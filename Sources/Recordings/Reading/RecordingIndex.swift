import Addresses

/// The block headers of a trace and where the blocks lie: from the index, or found by scanning.
struct RecordingIndex {
  var blocks: [BlockHeader] = []
  var offsets: [UInt64] = []
  var digest: RecordingDigest?

  /// Reads footer and index, verifies the digest, and that headers and totals agree.
  static func read(_ file: RecordingFile, header: RecordingHeader, start: UInt64) throws(RecordingError)
    -> RecordingIndex
  {
    let footerBytes = UInt64(RecordingFormat.footerBytes)
    func damaged(_ offset: UInt64, _ found: String, _ expected: String) -> RecordingError {
      RecordingError(
        .damaged, file: file.name, offset: offset, found: found, expected: expected,
        remedy: "copy or record the file anew, or read its whole blocks with `gi-bench trace convert --salvage`")
    }
    guard file.size >= start + footerBytes else {
      throw damaged(file.size, "the end of the file", "blocks and a footer")
    }
    let footerOffset = file.size - footerBytes
    let words = try file.bytes(at: footerOffset, count: RecordingFormat.footerBytes).withUnsafeBytes { bytes in
      (0..<7).map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self) }
    }
    let (indexOffset, indexBytes, count) = (words[0], words[1], words[2])
    guard words[6] == RecordingFormat.endMagic else {
      throw RecordingError(
        .truncated, file: file.name, offset: footerOffset + 48, found: "no end magic",
        expected: "the footer of a trace",
        remedy: "copy or record the file anew, or read its whole blocks with `gi-bench trace convert --salvage`")
    }
    let sum = try file.digest(of: file.size - UInt64(RecordingFormat.undigestedBytes))
    guard sum == RecordingDigest(low: words[4], high: words[5]) else {
      let expected = RecordingDigest(low: words[4], high: words[5])
      throw try locateDamage(file, header: header, start: start)
        ?? damaged(0, "digest \(sum)", "\(expected)")
    }
    guard indexOffset >= start, indexOffset <= footerOffset, indexBytes == footerOffset - indexOffset,
      indexBytes <= UInt64(RecordingFormat.maximumIndexBytes)
    else {
      throw damaged(footerOffset, "an index of \(indexBytes) bytes at \(indexOffset)", "an index before the footer")
    }

    let bytes = try file.bytes(at: indexOffset, count: Int(indexBytes))
    guard bytes.withUnsafeBytes({ checksum($0) }) == words[3] else {
      throw damaged(indexOffset, "another index checksum", hex(words[3]))
    }
    var index = RecordingIndex(digest: sum)
    try bytes.withBytes { raw throws(RecordingError) in
      var reader = ByteReader(raw)
      var position = start
      while !reader.isAtEnd {
        let entry = indexOffset + UInt64(reader.offset)
        guard let offset = reader.next(UInt64.self), offset == position else {
          throw damaged(entry, "a block that does not follow the one before", "offset \(position)")
        }
        switch BlockHeader.decode(from: &reader) {
        case .failure(let flaw): throw damaged(entry, flaw.found, flaw.expected)
        case .success(let block):
          position += UInt64(block.blockBytes)
          guard position <= indexOffset else { throw damaged(entry, "a block past the index", "blocks before it") }
          try index.append(block, at: offset, header: header) { damaged(entry, $0, $1) }
        }
      }
      guard position == indexOffset else { throw damaged(position, "bytes no block owns", "the index") }
    }
    guard UInt64(index.blocks.count) == count else {
      throw damaged(footerOffset, "\(count) blocks", "\(index.blocks.count), as the index holds")
    }
    if let flaw = HeaderValidation.flaw(in: index.blocks, totals: header.totals) {
      throw damaged(indexOffset, flaw.found, flaw.expected)
    }
    return index
  }

  /// Finds the whole blocks in front of the first damage, each column verified.
  static func scan(_ file: RecordingFile, header: RecordingHeader, start: UInt64) throws(RecordingError)
    -> RecordingIndex
  {
    var index = RecordingIndex()
    var position = start
    while let block = try wholeBlock(file, at: position).block {
      var accepted = true
      do throws(RecordingError) {
        try index.append(block, at: position, header: header) { found, expected in
          RecordingError(.damaged, file: file.name, found: found, expected: expected, remedy: "")
        }
      } catch { accepted = false }
      if !accepted { break }
      position += UInt64(block.blockBytes)
    }
    guard !index.blocks.isEmpty || header.totals.runs == 0 else {
      throw RecordingError(
        .damaged, file: file.name, offset: start, found: "no whole block", expected: "at least one to salvage",
        remedy: "copy or record the file anew")
    }
    return index
  }

  /// The first block, column or other place that is damaged, as an error; nil if none is found.
  private static func locateDamage(_ file: RecordingFile, header: RecordingHeader, start: UInt64) throws(RecordingError)
    -> RecordingError?
  {
    var position = start
    var number = 0
    var runs: UInt64 = 0
    while true {
      let (block, damage) = try wholeBlock(file, at: position)
      guard let block else {
        // Behind the last block the index lies, where no block can start.
        return runs < header.totals.runs || damage?.column != nil ? damage.map { with($0, block: number) } : nil
      }
      position += UInt64(block.blockBytes)
      runs &+= UInt64(block.runs)
      number += 1
    }
  }

  private static func with(_ error: RecordingError, block: Int) -> RecordingError {
    var error = error
    error.block = block
    return error
  }

  /// The block at an offset if it is whole; otherwise what is wrong with it.
  private static func wholeBlock(_ file: RecordingFile, at offset: UInt64) throws(RecordingError) -> (
    block: BlockHeader?, damage: RecordingError?
  ) {
    func damage(_ flaw: Flaw, _ column: RecordingColumn? = nil, at place: UInt64) -> RecordingError {
      RecordingError(
        .damaged, file: file.name, column: column, offset: place, found: flaw.found, expected: flaw.expected,
        remedy: "copy or record the file anew, or read its whole blocks with `gi-bench trace convert --salvage`")
    }
    let largest = 40 + 24 + 8 * RecordingFormat.maximumVCPUs + 32 * RecordingColumn.allCases.count + 8
    let front = try file.bytes(at: offset, count: Int(min(UInt64(largest), file.size - offset)))
    let result = front.withUnsafeBytes { bytes in
      var reader = ByteReader(bytes)
      return BlockHeader.decode(from: &reader)
    }
    switch result {
    case .failure(let flaw): return (nil, damage(flaw, at: offset))
    case .success(let block):
      guard UInt64(block.blockBytes) <= file.size - offset else {
        return (nil, damage(Flaw(found: "the end of the file", expected: "\(block.blockBytes) bytes"), at: offset))
      }
      var place = offset + UInt64(block.headerBytes)
      for entry in block.columns {
        let sum = try file.checksum(at: place, count: entry.storedBytes)
        guard sum == entry.checksum else {
          return (
            nil, damage(Flaw(found: "checksum \(hex(sum))", expected: hex(entry.checksum)), entry.column, at: place)
          )
        }
        place += UInt64(entry.storedBytes)
      }
      return (block, nil)
    }
  }

  private var totals: (UInt64, UInt64, UInt64) {
    guard let last = blocks.last else { return (0, 0, 0) }
    return (
      last.firstWrite + UInt64(last.writes), last.firstRun + UInt64(last.runs), last.firstEvent + UInt64(last.events)
    )
  }

  private mutating func append(
    _ block: BlockHeader, at offset: UInt64, header: RecordingHeader, failure: (String, String) -> RecordingError
  ) throws(RecordingError) {
    guard block.number == blocks.count, (block.firstWrite, block.firstRun, block.firstEvent) == totals else {
      throw failure("block \(block.number) from write \(block.firstWrite)", "block \(blocks.count) from \(totals.0)")
    }
    guard block.clocks.count == header.totals.vcpus else {
      throw failure("\(block.clocks.count) vCPUs", "\(header.totals.vcpus), as the header says")
    }
    guard block.columnSet == header.columnSet else {
      throw failure(
        "columns \(block.columnSet.columns.map(\.name))", "\(header.columnSet.columns.map(\.name)), as the header says")
    }
    blocks.append(block)
    offsets.append(offset)
  }
}
