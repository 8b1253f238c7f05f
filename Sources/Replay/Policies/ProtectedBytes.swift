import Addresses
import Recordings

/// The exact bytes that the driver has asked to protect so far: tells a store to a protected byte from one that only shares
/// its page.
///
/// A hypercall names pages; which bytes of them matter, the recording's list of regions says. A page that holds no listed
/// byte of its region is protected whole.
struct ProtectedBytes {
  private let listed: [UInt64: [Range<UInt64>]]
  /// The regions that claim each page.
  private var claims = RunMap<[UInt64]>([])

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
    claims.change(range.numbers) { $0.contains(region) ? $0 : ($0 + [region]).sorted() }
  }

  /// A region, or every region for 0, gives pages up.
  mutating func release(_ range: PageRange, by region: UInt64) {
    claims.change(range.numbers) { region == 0 ? [] : $0.filter { $0 != region } }
  }

  /// The pages claimed, as runs that the same regions claim.
  var pages: [PageRange] {
    var pages: [PageRange] = []
    claims.forEach(in: 0...1 << 52 - 1) { numbers, regions in
      if !regions.isEmpty, let run = PageRange(numbers) { pages.append(run) }
    }
    return pages
  }

  /// Whether any byte of `address ..< address + size` is protected.
  func touches(_ address: UInt64, size: UInt64) -> Bool {
    guard size > 0 else { return false }
    let last = address &+ (size - 1)
    var isTouched = false
    claims.forEach(in: address >> 12...last >> 12) { pages, regions in
      for region in regions where !isTouched {
        let bytes = listed[region] ?? []
        isTouched = pages.contains { page in
          let page = page << 12..<(page + 1) << 12
          guard bytes.overlaps(page) else { return true }
          return bytes.overlaps(max(address, page.lowerBound)..<min(last + 1, page.upperBound))
        }
      }
    }
    return isTouched
  }

  /// Whether any sub-page of 128 bytes that the bytes touch holds a protected byte.
  func touchesSubPage(_ address: UInt64, size: UInt64) -> Bool {
    let start = address & ~127
    return touches(start, size: (address &+ size &+ 127) & ~127 &- start)
  }
}
