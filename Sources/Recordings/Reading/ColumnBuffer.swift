/// Memory for one column of a block; grows to the largest block and stays.
struct ColumnBuffer: ~Copyable {
  private(set) var base: UnsafeMutableRawPointer?
  private var capacity = 0
  private var count = 0
  /// Bytes that a word which begins in the column may reach behind it.
  private static let slack = 8
  /// Whether what it holds belongs to the block at hand; kept by the owner.
  var isFilled = false

  deinit { base?.deallocate() }

  /// The first bytes, room made if there is too little; what was there is lost.
  mutating func bytes(_ wanted: Int) -> UnsafeMutableRawBufferPointer {
    if wanted > capacity || base == nil {
      base?.deallocate()
      capacity = max(wanted, 64)
      base = .allocate(byteCount: capacity + Self.slack, alignment: 64)
    }
    count = wanted
    return UnsafeMutableRawBufferPointer(start: base, count: wanted)
  }

  /// An element, checked.
  @inline(__always)
  func load<T: BitwiseCopyable>(_ index: Int, as type: T.Type) -> T {
    guard let base, index >= 0, index < count / MemoryLayout<T>.size else { preconditionFailure("no such element") }
    return base.load(fromByteOffset: index * MemoryLayout<T>.size, as: type)
  }
}
