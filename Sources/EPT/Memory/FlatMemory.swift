import Addresses
import Synchronization

/// Physical memory from address 0 up to a size, as flat words over a raw pointer: the memory of a replay.
///
/// A copy of the value is a copy of the pointer. The pointer's owner (``HostMemory``) must outlive it.
/// Beyond the size nothing answers: loads give all ones, as a bus with no device does, and stores are lost. A walk that
/// strays there therefore ends in an EPT misconfiguration, since all ones is a reserved encoding at every level.
@frozen
public struct FlatMemory: PhysicalMemory, @unchecked Sendable {
  /// The first byte, host-physical address 0.
  public let base: UnsafeMutableRawPointer
  /// The size in bytes, a multiple of 8.
  public let byteCount: UInt64

  /// Memory over `byteCount` bytes (rounded down to whole words) at `base`, which must be 8-byte aligned.
  @inlinable
  public init(base: UnsafeMutableRawPointer, byteCount: UInt64) {
    self.base = base
    self.byteCount = byteCount & ~7
  }

  /// Whether the word at `address` lies in the memory.
  @inlinable @inline(__always)
  public func contains(_ address: HostPhysicalAddress) -> Bool { address.rawValue < byteCount }

  @inlinable @inline(__always)
  func word(_ address: HostPhysicalAddress) -> UnsafeMutablePointer<Atomic<UInt64>> {
    (base + Int(truncatingIfNeeded: address.rawValue & ~7)).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  /// The word at `address`; all ones beyond the size.
  @inlinable @inline(__always)
  public func load(_ address: HostPhysicalAddress) -> UInt64 {
    guard contains(address) else { return ~0 }
    return word(address).pointee.load(ordering: .relaxed)
  }

  /// Stores a word at `address`; nothing happens beyond the size.
  @inlinable @inline(__always)
  public func store(_ value: UInt64, at address: HostPhysicalAddress) {
    guard contains(address) else { return }
    word(address).pointee.store(value, ordering: .relaxed)
  }

  /// Atomic compare-and-exchange at `address`; returns the word that was there, all ones beyond the size.
  @inlinable @inline(__always)
  public func compareExchange(at address: HostPhysicalAddress, expected: UInt64, desired: UInt64) -> UInt64 {
    guard contains(address) else { return ~0 }
    return word(address).pointee.compareExchange(
      expected: expected, desired: desired, ordering: .sequentiallyConsistent
    ).original
  }
}
