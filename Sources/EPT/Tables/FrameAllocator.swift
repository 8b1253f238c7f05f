import Addresses

/// Hands out 4 KiB frames of host-physical memory for paging structures.
public struct FrameAllocator: Sendable {
  private var next: UInt64
  private let end: UInt64
  private var freed: [UInt64] = []

  /// Frames from `first` (rounded up to 4 KiB), `count` of them, cut at the 52-bit limit of physical addresses.
  public init(first: HostPhysicalAddress, count: UInt64) {
    let limit: UInt64 = 1 << 40
    next = min(limit, first.rawValue >> 12 &+ (first.rawValue & 0xfff == 0 ? 0 : 1))
    end = next + min(count, limit - next)
  }

  /// How many frames are left.
  public var available: UInt64 { end - next + UInt64(freed.count) }

  /// A frame, its content unspecified; nil when none is left.
  public mutating func allocate() -> HostPhysicalAddress? {
    if let frame = freed.popLast() { return HostPhysicalAddress(frame) }
    guard next < end else { return nil }
    defer { next += 1 }
    return HostPhysicalAddress(next << 12)
  }

  /// Takes a frame back that ``allocate()`` gave.
  public mutating func free(_ frame: HostPhysicalAddress) { freed.append(frame.rawValue) }
}
