import Addresses

/// Host pages above the EPT paging structures, for guest pages that are moved there.
struct SpareFrames: Sendable {
  private let first: UInt64
  private var free: [UInt64]

  /// The host pages `first ..< end`.
  init(first: UInt64, end: UInt64) {
    self.first = first
    free = first < end ? (first..<end).reversed() : []
  }

  /// Where a page at `frame` can be moved: to a spare frame from its own place, and back.
  func target(for page: GuestPageNumber, at frame: HostPhysicalAddress) -> HostPhysicalAddress? {
    let home = HostPhysicalAddress(page.rawValue << 12)
    return frame == home ? free.last.map { HostPhysicalAddress($0 << 12) } : home
  }

  /// A page has been moved, or has given up the frame it had.
  mutating func moved(from old: HostPhysicalAddress, to new: HostPhysicalAddress) {
    if free.last == new.rawValue >> 12 { free.removeLast() }
    if old.rawValue >> 12 >= first { free.append(old.rawValue >> 12) }
  }
}
