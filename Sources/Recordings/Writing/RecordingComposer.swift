import Foundation

/// Puts header, blocks, index and footer together in the output's place.
struct RecordingComposer {
  let target: OutputTarget

  func compose(header: RecordingHeader, blocks: [BlockHeader], from blockFile: OutputFile) throws(RecordingError)
    -> RecordingWriter.Summary
  {
    let output = try WholeFile(target)
    let summary = try write(header, blocks, blockFile, to: output)
    try output.finish()
    return summary
  }

  private func write(
    _ header: RecordingHeader, _ blocks: [BlockHeader], _ blockFile: OutputFile, to output: WholeFile
  ) throws(RecordingError) -> RecordingWriter.Summary {
    var digest = DigestStream()
    var written: UInt64 = 0
    func put(_ bytes: UnsafeRawBufferPointer) throws(RecordingError) {
      digest.update(bytes)
      written += UInt64(bytes.count)
      try output.write(bytes)
    }
    func put(_ writer: ByteWriter) throws(RecordingError) {
      try writer.bytes.withBytes { bytes throws(RecordingError) in try put(bytes) }
    }

    var front = ByteWriter()
    let json = try encode(header)
    // The best level takes seconds for tables that no recorder writes.
    let level = json.count > 1 << 20 ? 9 : 19
    let stored = json.withUnsafeBytes { ZstandardCompressor(level: level).compress([$0]) }
    front.append(RecordingFormat.magic)
    front.append(header.neededVersion)
    front.append(UInt32(stored.count))
    front.append(stored.withUnsafeBytes { checksum($0) })
    front.append(UInt64(json.count))
    stored.withUnsafeBytes { front.append(contentsOf: $0) }
    try put(front)

    // The columns come from the block file in one stream; a block header goes in where each block starts.
    let offsets = try interleave(blocks, of: header.totals.vcpus, blockFile, start: written) {
      bytes throws(RecordingError) in try put(bytes)
    }

    var index = ByteWriter()
    for (block, offset) in zip(blocks, offsets) {
      index.append(offset)
      block.trimmed(to: header.totals.vcpus).encode(into: &index)
    }
    let indexOffset = written
    try put(index)

    var footer = ByteWriter()
    footer.append(indexOffset)
    footer.append(UInt64(index.bytes.count))
    footer.append(UInt64(blocks.count))
    footer.append(index.bytes.withUnsafeBytes { checksum($0) })
    try put(footer)
    let sum = digest.digest()
    var end = ByteWriter()
    end.append(sum.low)
    end.append(sum.high)
    end.append(RecordingFormat.endMagic)
    try put(end)
    return RecordingWriter.Summary(header: header, blocks: blocks.count, bytes: written, digest: sum)
  }

  private func interleave(
    _ blocks: [BlockHeader], of vcpus: Int, _ blockFile: OutputFile, start: UInt64,
    put: (UnsafeRawBufferPointer) throws(RecordingError) -> Void
  ) throws(RecordingError) -> [UInt64] {
    var offsets: [UInt64] = []
    var position = start
    var block = 0
    var rest = 0
    func startBlocks() throws(RecordingError) {
      while rest == 0, block < blocks.count {
        let trimmed = blocks[block].trimmed(to: vcpus)
        var writer = ByteWriter()
        trimmed.encode(into: &writer)
        try writer.bytes.withBytes { bytes throws(RecordingError) in try put(bytes) }
        offsets.append(position)
        position += UInt64(trimmed.blockBytes)
        rest = trimmed.blockBytes - trimmed.headerBytes
        block += 1
      }
    }
    try startBlocks()
    try blockFile.readBack { piece throws(RecordingError) in
      var from = 0
      while from < piece.count {
        let count = min(rest, piece.count - from)
        try put(UnsafeRawBufferPointer(rebasing: piece[from..<from + count]))
        from += count
        rest -= count
        try startBlocks()
        if rest == 0 { return }
      }
    }
    return offsets
  }

  private func encode(_ header: RecordingHeader) throws(RecordingError) -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let json = try? encoder.encode(header), json.count <= RecordingFormat.maximumHeaderBytes else {
      throw RecordingError(
        .input, file: target.path, found: "a description too large or not encodable",
        expected: "at most \(RecordingFormat.maximumHeaderBytes) bytes of JSON", remedy: "leave out symbols or notes")
    }
    return json
  }
}

extension BlockHeader {
  /// The header with the clocks of the trace's vCPUs only.
  fileprivate func trimmed(to vcpus: Int) -> BlockHeader {
    var header = self
    header.clocks = Array(clocks.prefix(vcpus))
    return header
  }
}
