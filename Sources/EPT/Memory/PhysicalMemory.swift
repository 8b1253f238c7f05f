import Addresses

/// Host-physical memory as aligned 64-bit words: all that a processor's page walks read and write.
///
/// An address handed to these functions has bits 2:0 clear. A conforming type never traps on an address, whatever
/// a hostile table made it: what is not backed by memory reads as the type documents and swallows stores.
public protocol PhysicalMemory {
  /// The 64-bit word at `address` (bytes, 8-byte aligned).
  func load(_ address: HostPhysicalAddress) -> UInt64

  /// Stores a 64-bit word at `address` (bytes, 8-byte aligned).
  func store(_ value: UInt64, at address: HostPhysicalAddress)

  /// Stores `desired` at `address` if the word there still equals `expected`, atomically; returns the word that was there.
  func compareExchange(at address: HostPhysicalAddress, expected: UInt64, desired: UInt64) -> UInt64
}
