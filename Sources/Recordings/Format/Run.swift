import Addresses

/// Consecutive accesses of one vCPU to one guest page: the unit of a page-level replay, one 8-byte word on disk and in memory.
///
/// A run ends where the page, the vCPU or (in a trace with linear pages) the linear page changes, and where an event intervenes.
/// A store that crosses a page end is two accesses: the first ends its run, the second is a *continuation* run of its own, the
/// next one. It is translated like any access, but the store was counted with the first part: `writes` is 0.
///
/// | bits | field |
/// |---|---|
/// | 63:57 | zero |
/// | 56 | continuation |
/// | 55:48 | vCPU |
/// | 47:32 | accesses, 1...65535 |
/// | 31:0 | guest page number |
@frozen
public struct Run: RawRepresentable, Hashable, Sendable {
  /// The word as it lies on disk.
  public var rawValue: UInt64

  /// A run from its word.
  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// A run from its fields; each is cut to its width.
  @inlinable public init(
    page: GuestPageNumber, accesses: Int, vcpu: Int, isContinuation: Bool = false
  ) {
    rawValue =
      page.rawValue & 0xffff_ffff | UInt64(truncatingIfNeeded: accesses & 0xffff) << 32
      | UInt64(truncatingIfNeeded: vcpu & 0xff) << 48 | (isContinuation ? 1 << 56 : 0)
  }

  /// The guest page all accesses fall on.
  @inlinable public var page: GuestPageNumber { GuestPageNumber(rawValue & 0xffff_ffff) }
  /// How many accesses, each of which the processor translates: 1...65535.
  @inlinable public var accesses: Int { Int(truncatingIfNeeded: rawValue >> 32 & 0xffff) }
  /// How many stores of the guest are counted here: `accesses`, or 0 for a continuation.
  @inlinable public var writes: Int { accesses &- Int(truncatingIfNeeded: rawValue >> 56 & 1) }
  /// The vCPU that wrote, counted from 0.
  @inlinable public var vcpu: Int { Int(truncatingIfNeeded: rawValue >> 48 & 0xff) }
  /// Whether this is the second part of the store that ended the run before.
  @inlinable public var isContinuation: Bool { rawValue & (1 << 56) != 0 }
}
