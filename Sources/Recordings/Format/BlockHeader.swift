import Addresses

/// What stands before the columns of a block, and again in the index.
///
/// ```
/// magic (u64), number (u64), first write (u64), first run (u64), first event (u64),
/// runs (u32), accesses (u32), writes (u32), events (u32), vCPUs (u32), columns (u32),
/// for each vCPU: instruction count before the block (u64),
/// for each column: number (u32), zero (u32), decoded bytes (u64), stored bytes (u64), XXH3-64 of the stored bytes (u64),
/// XXH3-64 of all that (u64)
/// ```
public struct BlockHeader: Hashable, Sendable {
  /// A column's place in its block.
  struct Entry: Hashable, Sendable {
    var column: RecordingColumn
    var decodedBytes: Int
    var storedBytes: Int
    var checksum: UInt64
  }

  /// The block's number, from 0.
  public internal(set) var number = 0
  /// Stores before this block.
  public internal(set) var firstWrite: UInt64 = 0
  /// Runs before this block.
  public internal(set) var firstRun: UInt64 = 0
  /// Events before this block.
  public internal(set) var firstEvent: UInt64 = 0
  /// Runs of this block.
  public internal(set) var runs = 0
  /// Accesses of this block.
  public internal(set) var accesses = 0
  /// Stores of this block.
  public internal(set) var writes = 0
  /// Events of this block.
  public internal(set) var events = 0
  /// For each vCPU, the instruction count of its last record before this block; 0 if there is none.
  public internal(set) var clocks: [UInt64] = []
  var columns: [Entry] = []

  /// Bytes of the header itself.
  var headerBytes: Int { 40 + 24 + 8 * clocks.count + 32 * columns.count + 8 }
  /// Bytes of header and columns.
  var blockBytes: Int { columns.reduce(headerBytes) { $0 + $1.storedBytes } }

  /// The columns present.
  public var columnSet: RecordingColumns { columns.reduce(into: []) { $0.insert(RecordingColumns($1.column)) } }

  /// Bytes of each column as they are stored.
  public var storedBytes: [(column: RecordingColumn, bytes: Int)] { columns.map { ($0.column, $0.storedBytes) } }

  /// Where a column lies in its block, and its entry.
  func locate(_ column: RecordingColumn) -> (offset: Int, entry: Entry)? {
    var offset = headerBytes
    for entry in columns {
      if entry.column == column { return (offset, entry) }
      offset += entry.storedBytes
    }
    return nil
  }

  func encode(into writer: inout ByteWriter) {
    let start = writer.bytes.count
    for word in [RecordingFormat.blockMagic, UInt64(number), firstWrite, firstRun, firstEvent] { writer.append(word) }
    for half in [runs, accesses, writes, events, clocks.count, columns.count] { writer.append(UInt32(half)) }
    for clock in clocks { writer.append(clock) }
    for entry in columns {
      writer.append(entry.column.rawValue)
      writer.append(UInt32(0))
      writer.append(UInt64(entry.decodedBytes))
      writer.append(UInt64(entry.storedBytes))
      writer.append(entry.checksum)
    }
    writer.append(writer.bytes.withUnsafeBytes { checksum(UnsafeRawBufferPointer(rebasing: $0[start...])) })
  }

  /// Decodes and checks everything that can be checked without the columns; nil for the first thing that is wrong, in words.
  static func decode(from reader: inout ByteReader) -> Result<BlockHeader, Flaw> {
    let start = reader.offset
    guard let magic = reader.next(UInt64.self), magic == RecordingFormat.blockMagic else {
      return .failure(Flaw(found: "no block magic", expected: "a block header"))
    }
    var header = BlockHeader()
    guard let number = reader.next(UInt64.self), let firstWrite = reader.next(UInt64.self),
      let firstRun = reader.next(UInt64.self), let firstEvent = reader.next(UInt64.self),
      let runs = reader.next(UInt32.self), let accesses = reader.next(UInt32.self),
      let writes = reader.next(UInt32.self), let events = reader.next(UInt32.self),
      let vcpus = reader.next(UInt32.self), let columns = reader.next(UInt32.self)
    else { return .failure(.cutShort) }
    guard number <= UInt64(UInt32.max), runs <= RecordingFormat.maximumRuns,
      accesses <= RecordingFormat.maximumAccesses,
      events <= RecordingFormat.maximumEvents, (1...RecordingFormat.maximumVCPUs).contains(Int(vcpus)),
      columns <= RecordingColumn.allCases.count, runs <= accesses, writes <= accesses,
      accesses <= UInt64(runs) * 65535, firstWrite < 1 << 60, firstRun < 1 << 60, firstEvent < 1 << 60
    else {
      return .failure(
        Flaw(
          found: "\(runs) runs, \(accesses) accesses, \(writes) writes, \(events) events, \(vcpus) vCPUs",
          expected: "counts within the limits of the format"))
    }
    header.number = Int(number)
    header.firstWrite = firstWrite
    header.firstRun = firstRun
    header.firstEvent = firstEvent
    header.runs = Int(runs)
    header.accesses = Int(accesses)
    header.writes = Int(writes)
    header.events = Int(events)
    for _ in 0..<vcpus {
      guard let clock = reader.next(UInt64.self) else { return .failure(.cutShort) }
      guard clock < RecordingFormat.maximumCount else {
        return .failure(Flaw(found: "instruction count \(clock)", expected: "a count below 2^62"))
      }
      header.clocks.append(clock)
    }
    for _ in 0..<columns {
      guard let kind = reader.next(UInt32.self), let zero = reader.next(UInt32.self),
        let decoded = reader.next(UInt64.self), let stored = reader.next(UInt64.self),
        let sum = reader.next(UInt64.self)
      else { return .failure(.cutShort) }
      guard let column = RecordingColumn(rawValue: kind), zero == 0,
        column.rawValue > header.columns.last?.column.rawValue ?? 0
      else {
        return .failure(Flaw(found: "column number \(kind)", expected: "known columns in ascending order"))
      }
      guard stored <= 1 << 40, header.decodedBytes(of: column).contains(decoded) else {
        return .failure(
          Flaw(
            found: "column \(column.name) of \(decoded) bytes for \(runs) runs and \(accesses) accesses",
            expected: "\(header.decodedBytes(of: column)) bytes"))
      }
      header.columns.append(
        Entry(column: column, decodedBytes: Int(decoded), storedBytes: Int(stored), checksum: sum))
    }
    let end = reader.offset
    guard let sum = reader.next(UInt64.self) else { return .failure(.cutShort) }
    let actual = checksum(UnsafeRawBufferPointer(rebasing: reader.base[start..<end]))
    guard sum == actual else {
      return .failure(Flaw(found: "block header checksum \(hex(actual))", expected: hex(sum)))
    }
    guard header.columnSet.isSuperset(of: .always) else {
      return .failure(Flaw(found: "columns \(header.columnSet.columns.map(\.name))", expected: "all mandatory columns"))
    }
    return .success(header)
  }

  /// How many bytes a column of this block can decode to; bounds what a reader allocates.
  private func decodedBytes(of column: RecordingColumn) -> ClosedRange<UInt64> {
    let runs = UInt64(runs)
    let accesses = UInt64(accesses)
    // An exception is an index and a value, two varints of at most 10 bytes.
    func narrow(_ count: UInt64, _ width: UInt64) -> ClosedRange<UInt64> { width * count...(width + 20) * count }
    switch column {
    case .runs: return 8 * runs...8 * runs
    case .clocks: return narrow(runs, 2)
    case .places: return narrow(accesses, 2)
    case .steps: return narrow(accesses - runs, 1)
    case .linearPages: return 0...20 * runs
    case .instructionPointers: return accesses...10 * accesses
    case .values: return accesses...17 * accesses
    case .events: return 0...UInt64(events) * UInt64(EventCoding.maximumBytes)
    case .loads, .fetches: return AccessColumn.decodedBytes
    }
  }
}

/// Something wrong, before it is known where.
struct Flaw: Error, Hashable {
  var found: String
  var expected: String

  static let cutShort = Flaw(found: "the end of the data", expected: "a whole block header")
}
