import Addresses
import CZlib
import CZstd

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The bytes of an input, unpacked if its first bytes say that it is gzip or zstd; memory is bounded whatever it unpacks to.
final class UnpackedInput {
  let name: String
  /// How the input is packed.
  enum Packing: String { case none, gzip, zstd }
  let packing: Packing
  private let input: InputStream
  /// Packed bytes that wait; where nothing is packed, the first bytes, which were read to find that out.
  private let storage: Storage<UInt8>
  private var buffer: UnsafeMutableRawBufferPointer { .init(start: storage.base, count: storage.count) }
  private var start = 0
  private var end = 0
  private var inflater: Inflater?
  private var zstd: OpaquePointer?
  /// Whether a stream inside the input is open: an end now is too early.
  private var isInside = false
  private var isAtEnd = false

  init(_ input: InputStream) throws(RecordingError) {
    self.input = input
    name = input.name
    var magic: UInt32 = 0
    end = try withUnsafeMutableBytes(of: &magic) { bytes throws(RecordingError) in try input.fill(bytes) }
    magic = UInt32(littleEndian: magic)
    switch magic {
    case _ where end >= 2 && magic & 0xffff == 0x8b1f: packing = .gzip
    // A frame, or one of the frames that a decoder skips.
    case _ where end == 4 && (magic == 0xfd2f_b528 || magic & 0xffff_fff0 == 0x184d_2a50): packing = .zstd
    default: packing = .none
    }
    storage = Storage(uninitialized: packing == .none ? 4 : 1 << 18)
    buffer.storeBytes(of: magic.littleEndian, as: UInt32.self)
    switch packing {
    case .gzip: inflater = Inflater()
    case .zstd: zstd = ZSTD_createDCtx()
    case .none: break
    }
  }

  deinit { ZSTD_freeDCtx(zstd) }

  /// Fills the target; fewer bytes than it holds mean the end.
  func fill(_ target: UnsafeMutableRawBufferPointer) throws(RecordingError) -> Int {
    guard packing != .none else {
      let count = min(end - start, target.count)
      if count > 0, let to = target.baseAddress, let from = buffer.baseAddress {
        memcpy(to, from + start, count)
        start += count
      }
      return count + (try input.fill(UnsafeMutableRawBufferPointer(rebasing: target[count...])))
    }
    var done = 0
    while done < target.count {
      if start == end, !isAtEnd {
        start = 0
        end = try input.fill(buffer)
        isAtEnd = end < buffer.count
      }
      let rest = UnsafeMutableRawBufferPointer(rebasing: target[done...])
      let before = (start, done)
      done += packing == .gzip ? try inflate(into: rest) : try decompress(into: rest)
      if (start, done) == before, start == end, isAtEnd {
        if isInside { throw failure("the end of the file inside a \(packing.rawValue) stream", "its end") }
        break
      }
    }
    return done
  }

  private func inflate(into target: UnsafeMutableRawBufferPointer) throws(RecordingError) -> Int {
    guard let inflater else { return 0 }
    if !isInside {
      guard start < end else { return 0 }
      // Zeros behind the last member pad it to whole blocks of a tape.
      if inflater.members > 0, buffer[start..<end].allSatisfy({ $0 == 0 }) {
        start = end
        return 0
      }
      inflater.reset()
      isInside = true
    }
    let step = inflater.step(UnsafeMutableRawBufferPointer(rebasing: buffer[start..<end]), into: target)
    start += step.read
    if let flaw = step.flaw {
      throw failure("bytes that gzip refuses (\(flaw))", "gzip, as the first two bytes say")
    }
    if step.isAtEnd { isInside = false }
    return step.written
  }

  private func decompress(into target: UnsafeMutableRawBufferPointer) throws(RecordingError) -> Int {
    var out = ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
    var source = ZSTD_inBuffer(src: buffer.baseAddress.map { $0 + start }, size: end - start, pos: 0)
    // A frame may ask for a window of at most 128 MiB, zstd's own limit.
    let rest = ZSTD_decompressStream(zstd, &out, &source)
    start += source.pos
    if ZSTD_isError(rest) != 0 {
      throw failure(
        "bytes that zstd refuses (\(String(cString: ZSTD_getErrorName(rest))))", "zstd, as the first bytes say")
    }
    if source.pos > 0 || out.pos > 0 { isInside = rest != 0 }
    return out.pos
  }

  private func failure(_ found: String, _ expected: String) -> RecordingError {
    RecordingError(
      .damaged, file: name, found: found, expected: expected,
      remedy: "copy the file again, or unpack as much as there is and import that")
  }
}

/// Inflates gzip, member by member.
private final class Inflater {
  // zlib keeps a pointer to the stream, so it must not move.
  private let stream: UnsafeMutablePointer<z_stream>
  /// Members that ended.
  private(set) var members = 0

  init() {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    // 15 bits of window, and 16 for gzip's own header.
    let status = inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    precondition(status == Z_OK, "out of memory")
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  func reset() { inflateReset(stream) }

  func step(_ source: UnsafeMutableRawBufferPointer, into target: UnsafeMutableRawBufferPointer) -> (
    read: Int, written: Int, isAtEnd: Bool, flaw: String?
  ) {
    let room = min(target.count, 1 << 30)
    stream.pointee.next_in = source.baseAddress?.assumingMemoryBound(to: Bytef.self)
    stream.pointee.avail_in = UInt32(source.count)
    stream.pointee.next_out = target.baseAddress?.assumingMemoryBound(to: Bytef.self)
    stream.pointee.avail_out = UInt32(room)
    let status = CZlib.inflate(stream, Z_NO_FLUSH)
    let read = source.count - Int(stream.pointee.avail_in)
    let written = room - Int(stream.pointee.avail_out)
    switch status {
    // Z_BUF_ERROR says that there was nothing to do; the caller sees that.
    case Z_OK, Z_BUF_ERROR: return (read, written, false, nil)
    case Z_STREAM_END:
      members += 1
      return (read, written, true, nil)
    default:
      return (read, written, false, stream.pointee.msg.map { String(cString: $0) } ?? "zlib error \(status)")
    }
  }
}
