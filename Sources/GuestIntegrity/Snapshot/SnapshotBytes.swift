import CXXHash

/// Fields one behind the other, little endian.
struct SnapshotWriter {
  private(set) var bytes: [UInt8] = []

  mutating func put(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func put(_ value: Bool) { put(UInt8(value ? 1 : 0)) }

  /// Whether there is a value, then the value.
  mutating func put<Value>(_ value: Value?, _ body: (inout Self, Value) -> Void) {
    put(value != nil)
    if let value { body(&self, value) }
  }

  /// How many elements, then the elements.
  mutating func put<Element>(_ elements: [Element], _ body: (inout Self, Element) -> Void) {
    put(UInt32(elements.count))
    for element in elements { body(&self, element) }
  }

  /// Writes the number of all bytes at `offset`, where 0 stands, and their digest behind them.
  mutating func seal(lengthAt offset: Int) {
    withUnsafeBytes(of: UInt64(bytes.count + 8).littleEndian) { length in
      for (index, byte) in length.enumerated() { bytes[offset + index] = byte }
    }
    put(digest(of: bytes[...]))
  }
}

/// Takes fields out of bytes that may hold anything.
struct SnapshotReader {
  private let bytes: ArraySlice<UInt8>
  private(set) var offset: Int

  /// A reader of bytes from the first one on.
  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    offset = bytes.startIndex
  }

  var isAtEnd: Bool { offset == bytes.endIndex }

  func invalid(_ field: String) -> SnapshotError { .invalid(field: field, offset: offset) }

  mutating func take<Value: FixedWidthInteger>(_ field: String, as type: Value.Type = Value.self)
    throws(SnapshotError) -> Value
  {
    let size = MemoryLayout<Value>.size
    guard bytes.endIndex - offset >= size else { throw invalid(field) }
    var value = Value.zero
    for index in (0..<size).reversed() { value = value << 8 | Value(truncatingIfNeeded: bytes[offset + index]) }
    offset += size
    return value
  }

  /// The value that a field's number stands for.
  mutating func take<Raw: FixedWidthInteger, Value>(_ field: String, _ value: (Raw) -> Value?)
    throws(SnapshotError) -> Value
  {
    let start = self
    guard let value = value(try take(field)) else { throw start.invalid(field) }
    return value
  }

  mutating func takeBool(_ field: String) throws(SnapshotError) -> Bool {
    try take(field) { (number: UInt8) in number == 0 ? false : number == 1 ? true : nil }
  }

  mutating func takeOptional<Value>(_ field: String, _ body: (inout Self) throws(SnapshotError) -> Value)
    throws(SnapshotError) -> Value?
  {
    try takeBool(field) ? try body(&self) : nil
  }

  /// Elements of at least `size` bytes each: no more than can follow are made room for.
  mutating func takeArray<Element>(
    _ field: String, atMost limit: Int, elementBytes size: Int,
    _ body: (inout Self) throws(SnapshotError) -> Element
  ) throws(SnapshotError) -> [Element] {
    let left = (bytes.endIndex - offset) / size
    let count = try take(field) { (number: UInt32) in Int(number) <= min(limit, left) ? Int(number) : nil }
    var elements: [Element] = []
    elements.reserveCapacity(count)
    for _ in 0..<count { elements.append(try body(&self)) }
    return elements
  }
}

/// XXH3-64: finds damage, proves nothing about who wrote the bytes.
func digest(of bytes: ArraySlice<UInt8>) -> UInt64 {
  bytes.withUnsafeBytes { buffer in buffer.baseAddress.map { XXH3_64bits($0, buffer.count) } ?? XXH3_64bits("", 0) }
}
