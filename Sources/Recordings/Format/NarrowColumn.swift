import Addresses

/// A column of narrow numbers with a list of exceptions: the form of clocks, places and steps.
///
/// The narrow numbers lie at fixed width, so that the decompressed bytes are used where they land and any element is found by its
/// index. A number that does not fit is replaced by an escape value, and stands in the list behind the narrow numbers: for each
/// exception its index as a difference to the one before, then its value, both varints.
enum NarrowColumn {
  static let clockEscape: UInt16 = 0xffff
  static let stepEscape: UInt8 = 0xff

  /// The exceptions as they lie on disk.
  static func encode(_ exceptions: [NarrowException], into writer: inout ByteWriter) {
    var next: UInt32 = 0
    for exception in exceptions {
      writer.appendVarint(UInt64(exception.index - next))
      writer.appendVarint(exception.value)
      next = exception.index + 1
    }
  }

  /// Decodes a list of exceptions for `count` numbers, each index in range and ascending; false when it is malformed.
  static func decode(
    _ reader: inout ByteReader, count: Int, into exceptions: inout [NarrowException]
  ) -> Bool {
    exceptions.removeAll(keepingCapacity: true)
    var next: UInt64 = 0
    while !reader.isAtEnd {
      guard let gap = reader.nextVarint(), let value = reader.nextVarint(), gap < UInt64(count),
        next + gap < UInt64(count)
      else { return false }
      exceptions.append(NarrowException(index: UInt32(next + gap), value: value))
      next += gap + 1
    }
    return true
  }
}

/// A number too wide for its column.
struct NarrowException: Hashable {
  var index: UInt32
  var value: UInt64
}

extension [NarrowException] {
  /// The value listed for an index; nil if it is not listed.
  func value(at index: Int) -> UInt64? {
    let place = firstIndex(notBefore: index)
    return place < count && self[place].index == index ? self[place].value : nil
  }

  /// Where the first is that is not listed for an index below this; `count` if there is none.
  func firstIndex(notBefore index: Int) -> Int {
    partitioningIndex { $0.index >= index }
  }
}
