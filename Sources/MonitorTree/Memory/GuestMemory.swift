import Addresses

/// The guest's physical memory as the tree reads it: one flat, page-aligned block, guest-physical 0 at its start.
///
/// The block belongs to the caller and must outlive every tree that reads it.
@frozen
public struct GuestMemory: @unchecked Sendable {
  /// Byte 0 of guest-physical memory.
  public let start: UnsafeMutableRawPointer
  /// How many 4 KiB pages there are, 1 ... ``maximumPageCount``.
  public let pageCount: UInt32

  /// The most pages a tree can describe: keys are non-negative 32-bit integers and the greatest is the end mark (8 TiB).
  @inlinable public static var maximumPageCount: UInt64 { 0x7fff_ffff }

  /// Guest memory of `pageCount` pages at `start`; nil if `start` is not page-aligned or the count is out of bounds.
  @inlinable
  public init?(start: UnsafeMutableRawPointer, pageCount: UInt64) {
    guard UInt(bitPattern: start) & 0xfff == 0, pageCount > 0, pageCount <= Self.maximumPageCount else { return nil }
    self.start = start
    self.pageCount = UInt32(pageCount)
  }

  /// Whether the whole run lies in guest memory.
  @inlinable
  public func contains(_ range: PageRange) -> Bool { range.last.rawValue < UInt64(pageCount) }

  /// The first byte of a page; the caller has checked that `page < pageCount`.
  func node(at page: UInt32) -> UnsafeRawPointer {
    UnsafeRawPointer(start) + Int(truncatingIfNeeded: UInt64(page) << 12)
  }
}
