import Addresses
import Recordings

/// The exact bytes that the driver has asked to protect so far: tells a store to a protected byte from one that only shares
/// its page.
///
/// A hypercall names pages; which bytes of them matter, the recording's list of regions says. A page that holds no listed
/// byte of its region is protected whole.
struct ProtectedBytes {
  private let listed: [UInt64: [Range<UInt64>]]
  private var claims: [UInt64: [PageRange]] = [:]
  /// Whether claims have changed since the ranges were made: many come in a row before anybody asks.
  private var isOutdated = false
  /// Disjoint ranges in ascending order.
  private var starts: [UInt64] = []
  private var ends: [UInt64] = []

  /// Nothing is protected yet; `listed` are the bytes of each region, by id.
  init(listed: [UInt64: [Range<UInt64>]]) {
    self.listed = listed.mapValues(\.joined)
  }

  /// The bytes of a recording's regions, by id.
  static func listed(in regions: [RecordingDescription.Region]) -> [UInt64: [Range<UInt64>]] {
    regions.reduce(into: [:]) { listed, region in
      let end = region.gpa.addingReportingOverflow(region.bytes)
      guard region.bytes > 0 else { return }
      listed[region.id, default: []].append(region.gpa..<(end.overflow ? .max : end.partialValue))
    }
  }

  /// A region claims pages.
  mutating func claim(_ range: PageRange, by region: UInt64) {
    let known = claims[region]?.last
    if let known, known.first <= range.first, range.last <= known.last { return }
    claims[region, default: []].append(range)
    isOutdated = true
  }

  /// A region, or every region for 0, gives pages up.
  mutating func release(_ range: PageRange, by region: UInt64) {
    for id in region == 0 ? Array(claims.keys) : [region] {
      claims[id] = claims[id]?.flatMap { $0.subtracting(range) }
    }
    isOutdated = true
  }

  /// The pages claimed, region by region.
  var pages: [PageRange] { claims.values.flatMap { $0 } }

  /// Whether any byte of `address ..< address + size` is protected.
  mutating func touches(_ address: UInt64, size: UInt64) -> Bool {
    if isOutdated { rebuild() }
    var low = 0
    var high = starts.count
    while low < high {
      let middle = (low + high) / 2
      if ends[middle] > address { high = middle } else { low = middle + 1 }
    }
    return low < starts.count && starts[low] < address &+ size
  }

  /// Whether any sub-page of 128 bytes that the bytes touch holds a protected byte.
  mutating func touchesSubPage(_ address: UInt64, size: UInt64) -> Bool {
    let start = address & ~127
    return touches(start, size: (address &+ size &+ 127) & ~127 &- start)
  }

  private mutating func rebuild() {
    isOutdated = false
    var ranges: [Range<UInt64>] = []
    for (region, pages) in claims {
      let bytes = listed[region] ?? []
      for range in pages { Self.append(range, bytes, to: &ranges) }
    }
    starts = []
    ends = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = ends.last, range.lowerBound <= last {
        ends[ends.count - 1] = max(last, range.upperBound)
      } else {
        starts.append(range.lowerBound)
        ends.append(range.upperBound)
      }
    }
  }

  /// The listed bytes within pages, and whole pages where there are none.
  private static func append(_ pages: PageRange, _ bytes: [Range<UInt64>], to ranges: inout [Range<UInt64>]) {
    let end = pages.last.address.rawValue + 0x1000
    /// Everything below has been dealt with.
    var next = pages.first.address.rawValue
    for range in bytes[bytes.firstIndex(endingBehind: next)...] {
      if range.lowerBound >= end { break }
      let firstPage = range.lowerBound & ~0xfff
      if firstPage > next { ranges.append(next..<firstPage) }
      ranges.append(max(range.lowerBound, pages.first.address.rawValue)..<min(range.upperBound, end))
      next = max(next, min((range.upperBound + 0xfff) & ~0xfff, end))
    }
    if next < end { ranges.append(next..<end) }
  }
}

extension PageRange {
  /// What is left of the run without another: none, one or two runs.
  func subtracting(_ other: PageRange) -> [PageRange] {
    guard overlaps(other) else { return [self] }
    let below = other.first.rawValue > first.rawValue ? other.first.rawValue - first.rawValue : 0
    let above = last.rawValue > other.last.rawValue ? last.rawValue - other.last.rawValue : 0
    return [
      PageRange(first: first, count: below),
      PageRange(first: GuestPageNumber(other.last.rawValue + 1), count: above),
    ].compactMap(\.self)
  }
}

extension [Range<UInt64>] {
  /// The same numbers as disjoint ascending ranges that do not touch.
  var joined: Self {
    sorted { $0.lowerBound < $1.lowerBound }.reduce(into: []) { joined, range in
      if let last = joined.last, range.lowerBound <= last.upperBound {
        joined[joined.count - 1] = last.lowerBound..<Swift.max(last.upperBound, range.upperBound)
      } else {
        joined.append(range)
      }
    }
  }

  /// Of disjoint ascending ranges, the first that ends behind a number.
  func firstIndex(endingBehind number: UInt64) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if self[middle].upperBound > number { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
