import Addresses

/// Reads the recorder's raw stream, and writes it as a trace.
///
/// A store that crosses into a linear page mapped elsewhere is two records; in one record, the second guest page follows the first.
/// The stream is little endian, fixed records of 64 bytes in the global order of execution:
///
/// ```
///  0 u8  kind: 1 write, 2 hypercall (then one continuation, 0x82), 3 cr3, 4 map, 5 mark, 6 end, 7 loads, 8 fetches, 9 halt,
///        10 control register
///  1 u8  vCPU
///  2 u8  write: bytes 1...64; map: page size as a power of two; continuation: privilege level
///  3 u8  write: bit 0 says that the value is known; map: bit 1 says that the entries above the leaf are known
///  8 u64 instructions retired by this vCPU, this one included; continuation: RAX; end: writes in all
/// 16 u64 write, loads, fetches: guest-physical address; hypercall: that of RIP; map: leaf entry; continuation: RDI
/// 24 u64 write, loads, fetches: linear address; map: that of the page; mark: id; control register: its number (0, 4, 0xc0000080);
///        continuation: RSI
/// 32 u64 RIP; map: PML4E; continuation: RDX
/// 40 u64 write: low half of the value; cr3 and map: CR3; loads, fetches: how many; control register: value; continuation: R10
/// 48 u64 write: high half of the value; map: PDPTE; continuation: RFLAGS
/// 56 u64 map: PDE; continuation: CR3
/// ```
public struct RecorderStream {
  /// What was read.
  public struct Report: Sendable {
    /// The finished trace.
    public var summary: RecordingWriter.Summary
    /// Writes in the stream, device writes included.
    public var writes: UInt64
    /// Writes left out because they fall outside guest memory: device registers, which no EPT entry of RAM maps.
    public var deviceWrites: UInt64
    /// Records in the stream.
    public var records: UInt64
  }

  private static let recordBytes = 64
  private let name: String
  private let allowsBrokenEnd: Bool

  /// A stream named so in messages; with `allowsBrokenEnd` one without an end record becomes a trace marked incomplete.
  public init(name: String, allowsBrokenEnd: Bool = false) {
    self.name = name
    self.allowsBrokenEnd = allowsBrokenEnd
  }

  /// Reads to the end, and finishes the trace.
  public func convert(_ input: InputStream, into writer: RecordingWriter, ramBytes: UInt64?) throws(RecordingError)
    -> Report
  {
    var progress = Progress(name: name, ramLimit: ramBytes ?? 1 << 44)
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { block.deallocate() }
    while !progress.ended {
      let count = try input.fill(block)
      let whole = count - count % Self.recordBytes
      try progress.take(UnsafeRawBufferPointer(rebasing: block[..<whole]), writer)
      if count < block.count {
        if progress.ended { break }
        guard allowsBrokenEnd else {
          throw RecordingError(
            .truncated, file: name, offset: progress.records * 64 + UInt64(count - whole),
            found: "the end of the stream",
            expected: "an end record",
            remedy: "the guest hung or the recorder died: record anew, or keep what there is with --lenient")
        }
        writer.markIncomplete()
        break
      }
    }
    let summary = try writer.finish()
    return Report(
      summary: summary, writes: progress.writes, deviceWrites: progress.deviceWrites, records: progress.records)
  }

  private struct Progress {
    let name: String
    let ramLimit: UInt64
    var records: UInt64 = 0
    var writes: UInt64 = 0
    var deviceWrites: UInt64 = 0
    var ended = false
    var pending: RecordedEvent.Hypercall?

    mutating func take(_ bytes: UnsafeRawBufferPointer, _ writer: RecordingWriter) throws(RecordingError) {
      guard let base = bytes.baseAddress else { return }
      var offset = 0
      while offset < bytes.count {
        let record = base + offset
        let kind = record.load(as: UInt8.self)
        if ended { throw failure("a record behind the end record", "nothing") }
        if pending != nil, kind != 0x82 { throw failure("kind \(kind)", "the continuation of a hypercall") }
        do throws(WriterFlaw) {
          if kind == 1 { try write(record, writer) } else { try other(kind, record, writer) }
        } catch {
          switch error {
          case .record(let flaw): throw failure(flaw.found, flaw.expected)
          case .output, .log: throw error.error(in: name, record: "record \(records)")
          }
        }
        records &+= 1
        offset += RecorderStream.recordBytes
      }
    }

    @inline(__always)
    private mutating func write(_ record: UnsafeRawPointer, _ writer: RecordingWriter) throws(WriterFlaw) {
      let gpa = record.load(fromByteOffset: 16, as: UInt64.self)
      let gva = record.load(fromByteOffset: 24, as: UInt64.self)
      let size = Int(record.load(fromByteOffset: 2, as: UInt8.self))
      writes &+= 1
      if gpa >= ramLimit {
        deviceWrites &+= 1
        return
      }
      let vcpu = Int(record.load(fromByteOffset: 1, as: UInt8.self))
      let isKnown = record.load(fromByteOffset: 3, as: UInt8.self) & 1 != 0
      try writer.append(
        vcpu: vcpu, count: record.load(fromByteOffset: 8, as: UInt64.self), gpa: gpa, gva: gva, size: size,
        rip: record.load(fromByteOffset: 32, as: UInt64.self),
        value: isKnown
          ? (record.load(fromByteOffset: 40, as: UInt64.self), record.load(fromByteOffset: 48, as: UInt64.self)) : nil,
        rest: nil)
    }

    private mutating func other(_ kind: UInt8, _ record: UnsafeRawPointer, _ writer: RecordingWriter) throws(WriterFlaw)
    {
      func byte(_ offset: Int) -> Int { Int(record.load(fromByteOffset: offset, as: UInt8.self)) }
      func word(_ offset: Int) -> UInt64 { record.load(fromByteOffset: offset, as: UInt64.self) }
      switch kind {
      case 2:
        pending = RecordedEvent.Hypercall(
          vcpu: byte(1), count: word(8), number: 0, arguments: .init(), rip: GuestLinearAddress(word(32)),
          ripAddress: GuestPhysicalAddress(word(16)), rflags: 0, cpl: 0, cr3: 0)
      case 0x82:
        guard var call = pending, byte(1) == call.vcpu else {
          throw .record(Flaw(found: "a continuation without its hypercall", expected: "kind 2 before kind 0x82"))
        }
        call.number = word(8)
        call.arguments = RecordedEvent.Arguments(rdi: word(16), rsi: word(24), rdx: word(32), r10: word(40))
        call.rflags = word(48)
        call.cpl = byte(2)
        call.cr3 = word(56)
        pending = nil
        try writer.append(.hypercall(call))
      case 3:
        try writer.append(.cr3(RecordedEvent.CR3Load(vcpu: byte(1), count: word(8), value: word(40))))
      case 4:
        try writer.append(
          .map(
            RecordedEvent.LinearMapping(
              vcpu: byte(1), count: word(8), cr3: word(40), linear: GuestLinearAddress(word(24)), pageShift: byte(2),
              entry: word(16),
              tables: byte(3) & 2 == 0 ? nil : .init(pml4e: word(32), pdpte: word(48), pde: word(56)))))
      case 5:
        try writer.append(
          .mark(
            RecordedEvent.Mark(vcpu: byte(1), count: word(8), id: word(24), rip: GuestLinearAddress(word(32)))))
      case 6:
        guard word(8) == writes else {
          throw .record(Flaw(found: "an end record of \(word(8)) writes", expected: "\(writes), as many as were read"))
        }
        ended = true
      case 7, 8:
        if word(16) >= ramLimit { return }
        try writer.append(
          RecordedAccesses(
            kind: kind == 7 ? .load : .fetch, vcpu: byte(1), count: word(8), page: GuestPhysicalAddress(word(16)).page,
            linearPage: word(24) >> 12, accesses: Int(clamping: word(40))))
      case 9: try writer.append(.halt(RecordedEvent.Halt(vcpu: byte(1), count: word(8))))
      case 10:
        guard let register = RecordedEvent.ControlRegister(rawValue: word(24)) else {
          throw .record(Flaw(found: "control register \(hex(word(24)))", expected: "0, 4 or 0xc0000080"))
        }
        try writer.append(
          .control(RecordedEvent.ControlChange(vcpu: byte(1), count: word(8), register: register, value: word(40))))
      default:
        throw .record(Flaw(found: "a record of kind \(kind)", expected: "kind 1 to 10, or 0x82"))
      }
    }

    private func failure(_ found: String, _ expected: String) -> RecordingError {
      RecordingError(
        .input, file: name, offset: records * 64, found: "\(found) (record \(records))", expected: expected,
        remedy: "check that recorder and converter are of one version")
    }
  }
}
