import Addresses

/// Writes a trace: records in the order of execution, then `finish()`.
///
/// The file appears, whole, when `finish()` returns; until then, and after an error, nothing stands under its name.
/// One thread at a time; compression happens on others.
public final class RecordingWriter {
  /// What can be chosen about a file, apart from what it says.
  public struct Options: Sendable {
    /// Optional columns to keep: `.steps`, `.linearPages`, `.instructionPointers`, `.values`, `.loads`, `.fetches`.
    public var columns: RecordingColumns
    /// The zstd level, 1...22.
    public var level: Int
    /// A block ends when it holds this many runs, ...
    public var runsPerBlock: Int
    /// ... or this many accesses.
    public var accessesPerBlock: Int

    /// The defaults keep linear pages, and neither steps nor instruction pointers nor values.
    public init(
      columns: RecordingColumns = .linearPages, level: Int = 19, runsPerBlock: Int = 1 << 19,
      accessesPerBlock: Int = 1 << 22
    ) {
      self.columns = columns
      self.level = level
      self.runsPerBlock = runsPerBlock
      self.accessesPerBlock = accessesPerBlock
    }
  }

  /// What a finished file holds.
  public struct Summary: Sendable {
    /// The header as written.
    public var header: RecordingHeader
    /// Number of blocks.
    public var blocks: Int
    /// Bytes of the file.
    public var bytes: UInt64
    /// The digest of the file.
    public var digest: RecordingDigest
  }

  private let target: OutputTarget
  /// What the header will say of the recording; an import knows the whole of it at its end only.
  var description: RecordingDescription
  private let columns: RecordingColumns
  private let blockFile: OutputFile
  private let pipeline: BlockPipeline
  /// One thread has it, so no access is checked.
  @exclusivity(unchecked) private var state: RunBuilder
  private var complete = true

  /// Starts a trace that will stand at `path` (`-` is standard output).
  public init(path: String, description: RecordingDescription, options: Options = Options()) throws(RecordingError) {
    target = try OutputTarget.checked(path)
    if let flaw = HeaderValidation.flaw(in: description) {
      throw RecordingError(
        .input, file: path, found: flaw.found, expected: flaw.expected, remedy: "correct the description")
    }
    self.description = description
    columns = options.columns.intersection(.all).union(.always)
    blockFile = try OutputFile.unnamed(in: target.folder, for: path)
    let runs = min(max(options.runsPerBlock, 1), RecordingFormat.maximumRuns - 2)
    let accesses = min(max(options.accessesPerBlock, 1), RecordingFormat.maximumAccesses - 2)
    let kept = columns
    pipeline = BlockPipeline(drafts: 4, workers: 2, level: min(max(options.level, 1), 22), file: blockFile) {
      BlockDraft(runs: runs + 2, accesses: accesses + 2, columns: kept)
    }
    state = RunBuilder(
      pipeline: pipeline, columns: columns, runLimit: runs, accessLimit: accesses,
      vcpus: min(max(description.guest.vcpus ?? 1, 1), RecordingFormat.maximumVCPUs))
  }

  deinit { pipeline.close() }

  /// Records a store of `size` bytes by instruction number `count` of its vCPU.
  ///
  /// - Parameters:
  ///   - vcpu: 0 to 255
  ///   - gpa: the guest-physical address of the first byte, below 2^44
  ///   - size: bytes, 1 to 64
  ///   - count: instructions this vCPU has retired, this one included; never less than in its record before
  ///   - gva: the linear address; kept where the trace has linear pages, and then equal to `gpa` in its low 12 bits
  ///   - rip: the storing instruction; kept where the trace has that column
  ///   - value: the bytes stored, little endian, if they are known and at most 16
  ///   - rest: for a store that crosses a page end, the guest page of its second part, where that is not the one after the first
  public func write(
    vcpu: Int, count: UInt64, gpa: GuestPhysicalAddress, gva: GuestLinearAddress, size: Int,
    rip: GuestLinearAddress = GuestLinearAddress(0), value: (low: UInt64, high: UInt64)? = nil,
    rest: GuestPageNumber? = nil
  ) throws(RecordingError) {
    do throws(WriterFlaw) {
      try append(
        vcpu: vcpu, count: count, gpa: gpa.rawValue, gva: gva.rawValue, size: size, rip: rip.rawValue, value: value,
        rest: rest?.rawValue)
    } catch {
      throw error.error(in: target.path, record: "write \(state.totals.writes)")
    }
  }

  /// Records an event; it lies between the records before and after it.
  public func event(_ event: RecordedEvent) throws(RecordingError) {
    do throws(WriterFlaw) {
      try append(event)
    } catch {
      throw error.error(in: target.path, record: "event \(state.totals.events)")
    }
  }

  /// Records loads or fetches; left out of a trace without their column.
  ///
  /// They may come late, behind stores and before the next event of any vCPU, but in the order of instruction counts among those of
  /// their kind and vCPU.
  public func accesses(_ accesses: RecordedAccesses) throws(RecordingError) {
    do throws(WriterFlaw) {
      try append(accesses)
    } catch {
      throw error.error(
        in: target.path, record: "\(accesses.kind.rawValue) behind write \(state.totals.writes)")
    }
  }

  /// Whether the trace has the column of such accesses.
  func keeps(_ kind: RecordedAccesses.Kind) -> Bool { columns.isSuperset(of: kind.column) }

  func append(_ accesses: RecordedAccesses) throws(WriterFlaw) {
    if keeps(accesses.kind) { try state.accesses(accesses) }
  }

  @inline(__always)
  func append(
    vcpu: Int, count: UInt64, gpa: UInt64, gva: UInt64, size: Int, rip: UInt64, value: (low: UInt64, high: UInt64)?,
    rest: UInt64?
  ) throws(WriterFlaw) {
    try state.write(
      vcpu: vcpu, count: count, gpa: gpa, gva: gva, size: size, rip: rip, value: value, rest: rest)
  }

  func append(_ event: RecordedEvent) throws(WriterFlaw) { try state.event(event) }

  /// Says in the header that the recording broke off before its end.
  public func markIncomplete() { complete = false }

  /// Writes everything out, and puts the file in its place.
  public func finish() throws(RecordingError) -> Summary {
    let totals: RecordingHeader.Totals
    do throws(WriterFlaw) {
      totals = try state.finish()
    } catch {
      throw error.error(in: target.path, record: "the end")
    }
    if let first = description.cut?.firstClocks, !first.isEmpty {
      // A part of a part may end before that one began, and columns that are left out may have had the last record.
      description.cut?.firstClocks = totals.instructions.enumerated().map { vcpu, last in
        vcpu < first.count ? min(first[vcpu], last) : 0
      }
    }
    let blocks = try pipeline.finish()
    let header = RecordingHeader(
      recording: description, totals: totals, columns: columns.columns.map(\.name), complete: complete)
    return try RecordingComposer(target: target).compose(header: header, blocks: blocks, from: blockFile)
  }
}

/// Why a record cannot be written; where it stands is known to the caller.
enum WriterFlaw: Error {
  case record(Flaw)
  case output(RecordingError)
  /// Something is wrong with the log that leaving out a line does not mend.
  indirect case log(Flaw, kind: RecordingError.Kind = .input, remedy: String)

  func error(in file: String, record: String) -> RecordingError {
    switch self {
    case .record(let flaw):
      RecordingError(
        .input, file: file, found: "\(record) with \(flaw.found)", expected: flaw.expected, remedy: "correct the source"
      )
    case .output(let error): error
    case .log(let flaw, let kind, let remedy):
      RecordingError(kind, file: file, found: flaw.found, expected: flaw.expected, remedy: remedy)
    }
  }
}
