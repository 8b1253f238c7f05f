import Addresses

/// The entries of one walk, at most five, top down.
@frozen
@usableFromInline
struct EntryPath {
  @usableFromInline var addresses: InlineArray<5, HostPhysicalAddress> = .init(repeating: HostPhysicalAddress(0))
  @usableFromInline var values: InlineArray<5, UInt64> = .init(repeating: 0)
  @usableFromInline var count = 0

  @inlinable init() {}

  @inlinable
  mutating func append(_ value: UInt64, at address: HostPhysicalAddress) {
    addresses[count] = address
    values[count] = value
    count += 1
  }
}
