import CXXHash

/// An XXH3-128 digest: of a whole trace file, quoted by reports and baselines.
public struct RecordingDigest: Hashable, Sendable, CustomStringConvertible {
  /// The low 64 bits.
  public let low: UInt64
  /// The high 64 bits.
  public let high: UInt64

  /// 32 hexadecimal digits, high half first, as `xxhsum -H2` prints.
  public var description: String { Self.digits(high) + Self.digits(low) }

  /// The digest of bytes.
  package init(of bytes: some Sequence<UInt8>) {
    var stream = DigestStream()
    Array(bytes).withUnsafeBytes { stream.update($0) }
    self = stream.digest()
  }

  init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high
  }

  private static func digits(_ half: UInt64) -> String {
    let digits = String(half, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

/// XXH3-128 of bytes that come in pieces.
struct DigestStream: ~Copyable {
  private let state: OpaquePointer

  init() {
    guard let state = XXH3_createState() else { fatalError("out of memory") }
    self.state = state
    XXH3_128bits_reset(state)
  }

  deinit { XXH3_freeState(state) }

  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    if let base = bytes.baseAddress { XXH3_128bits_update(state, base, bytes.count) }
  }

  func digest() -> RecordingDigest {
    let value = XXH3_128bits_digest(state)
    return RecordingDigest(low: value.low64, high: value.high64)
  }
}

/// XXH3-64 of bytes that come in pieces.
struct ChecksumStream: ~Copyable {
  private let state: OpaquePointer

  init() {
    guard let state = XXH3_createState() else { fatalError("out of memory") }
    self.state = state
    XXH3_64bits_reset(state)
  }

  deinit { XXH3_freeState(state) }

  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    if let base = bytes.baseAddress { XXH3_64bits_update(state, base, bytes.count) }
  }

  func checksum() -> UInt64 { XXH3_64bits_digest(state) }
}

/// XXH3-64, what guards each column, the header and the index.
func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
  guard let base = bytes.baseAddress else { return XXH3_64bits("", 0) }
  return XXH3_64bits(base, bytes.count)
}
