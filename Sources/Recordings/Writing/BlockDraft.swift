import Addresses

/// The columns of one block while it is filled, and their encoding.
///
/// Filled by one thread, encoded by another, then filled again; never by both at once.
final class BlockDraft: @unchecked Sendable {
  let runs: Storage<UInt64>
  let clocks: Storage<UInt16>
  let places: Storage<UInt16>
  let steps: Storage<UInt8>
  let linearPages: Storage<UInt64>
  let instructionPointers: Storage<UInt64>
  let valueLengths: Storage<UInt8>
  let valueBytes: Storage<UInt8>

  var header = BlockHeader()
  var wideClocks: [NarrowException] = []
  var wideSizes: [NarrowException] = []
  var wideSteps: [NarrowException] = []
  var valueCount = 0
  var events: [PlacedEvent] = []
  var loads = AccessColumn.Draft()
  var fetches = AccessColumn.Draft()
  private let columns: RecordingColumns

  init(runs: Int, accesses: Int, columns: RecordingColumns) {
    self.columns = columns
    // Pages never touched cost nothing, so columns that are not kept get one element.
    self.runs = Storage(uninitialized: runs)
    clocks = Storage(uninitialized: runs)
    places = Storage(uninitialized: accesses)
    steps = Storage(uninitialized: accesses)
    linearPages = Storage(uninitialized: columns.contains(.linearPages) ? runs : 1)
    instructionPointers = Storage(uninitialized: columns.contains(.instructionPointers) ? accesses : 1)
    valueLengths = Storage(uninitialized: columns.contains(.values) ? accesses : 1)
    valueBytes = Storage(uninitialized: columns.contains(.values) ? 16 * accesses : 1)
  }

  func removeAll() {
    header = BlockHeader()
    wideClocks.removeAll(keepingCapacity: true)
    wideSizes.removeAll(keepingCapacity: true)
    wideSteps.removeAll(keepingCapacity: true)
    events.removeAll(keepingCapacity: true)
    loads.removeAll()
    fetches.removeAll()
    valueCount = 0
  }

  /// The columns as they lie on disk, and the header with their sizes and checksums.
  func encode(with compressor: ZstandardCompressor) -> EncodedBlock {
    var stored: [[UInt8]] = []
    header.columns = []
    for column in columns.union(.always).columns {
      withParts(of: column) { parts in
        let frame = compressor.compress(parts)
        header.columns.append(
          BlockHeader.Entry(
            column: column, decodedBytes: parts.reduce(0) { $0 + $1.count }, storedBytes: frame.count,
            checksum: frame.withUnsafeBytes { checksum($0) }))
        stored.append(frame)
      }
    }
    return EncodedBlock(header: header, columns: stored)
  }

  private func withParts(of column: RecordingColumn, _ body: ([UnsafeRawBufferPointer]) -> Void) {
    func narrow(_ base: UnsafeRawPointer, _ bytes: Int, _ exceptions: [NarrowException]) {
      var tail = ByteWriter()
      NarrowColumn.encode(exceptions, into: &tail)
      tail.bytes.withUnsafeBytes { body([UnsafeRawBufferPointer(start: base, count: bytes), $0]) }
    }
    func whole(_ encode: (inout ByteWriter) -> Void) {
      var writer = ByteWriter()
      encode(&writer)
      writer.bytes.withUnsafeBytes { body([$0]) }
    }
    switch column {
    case .runs: body([UnsafeRawBufferPointer(start: runs.base, count: 8 * header.runs)])
    case .clocks: narrow(clocks.base, 2 * header.runs, wideClocks)
    case .places:
      PlacePrediction().encode(places.base, runs: runs.base, count: header.runs)
      narrow(places.base, 2 * header.accesses, wideSizes)
    case .steps: narrow(steps.base, header.accesses - header.runs, wideSteps)
    case .linearPages:
      whole { writer in
        let coding = LinearPages()
        coding.encode(runs: runs.base, linearPages: linearPages.base, count: header.runs, into: &writer)
      }
    case .instructionPointers:
      whole { writer in
        let coding = InstructionPointers()
        coding.encode(instructionPointers.base, count: header.accesses, into: &writer)
      }
    case .values:
      body([
        UnsafeRawBufferPointer(start: valueLengths.base, count: header.accesses),
        UnsafeRawBufferPointer(start: valueBytes.base, count: valueCount),
      ])
    case .events:
      whole { writer in
        var coding = EventCoding(clocks: header.clocks)
        for event in events { coding.encode(event, into: &writer) }
      }
    case .loads: loads.withParts(hasLinear: columns.contains(.linearPages), body)
    case .fetches: fetches.withParts(hasLinear: columns.contains(.linearPages), body)
    }
  }
}

/// A block whose columns are compressed.
struct EncodedBlock: Sendable {
  /// The header, which goes to the file when the number of vCPUs is known.
  var header: BlockHeader
  /// The columns as they lie on disk.
  var columns: [[UInt8]]
}
