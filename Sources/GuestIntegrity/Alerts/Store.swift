import Addresses

/// One store of the guest, as far as whoever saw it knows it.
@frozen
public struct Store: Hashable, Sendable {
  /// The vCPU that stores.
  public var vcpu: Int
  /// The first byte stored.
  public var address: GuestPhysicalAddress
  /// How many bytes, 1...64.
  public var size: Int
  /// The page of the bytes beyond the first page's end; nil if the store ends on its first page, or as if the next
  /// guest-physical page followed.
  public var secondPage: GuestPageNumber?
  /// The linear address of the first byte.
  public var linearAddress: GuestLinearAddress?
  /// The instruction that stores.
  public var rip: GuestLinearAddress?
  /// The first up to 16 bytes, little endian.
  public var value: StoreValue?
  /// When, on the caller's clock; copied into the event record.
  public var time: UInt64
  /// What made the store.
  public var origin: StoreOrigin

  /// A store.
  @inlinable
  public init(
    vcpu: Int, address: GuestPhysicalAddress, size: Int, secondPage: GuestPageNumber? = nil,
    linearAddress: GuestLinearAddress? = nil, rip: GuestLinearAddress? = nil, value: StoreValue? = nil,
    time: UInt64 = 0, origin: StoreOrigin = .instruction
  ) {
    self.vcpu = vcpu
    self.address = address
    self.size = size
    self.secondPage = secondPage
    self.linearAddress = linearAddress
    self.rip = rip
    self.value = value
    self.time = time
    self.origin = origin
  }

  /// How many of the bytes lie on the first page.
  @inlinable public var bytesOnFirstPage: Int { min(size, 4096 - Int(address.pageOffset)) }

  /// The second page that the store reaches, if any.
  @inlinable public var pageAfter: GuestPageNumber? {
    bytesOnFirstPage < size ? secondPage ?? GuestPageNumber(address.page.rawValue &+ 1) : nil
  }
}

/// The first up to 16 bytes of a store, little endian; what lies beyond the store's size is 0.
@frozen
public struct StoreValue: Hashable, Sendable {
  /// Bytes 0...7.
  public var low: UInt64
  /// Bytes 8...15.
  public var high: UInt64

  /// A value from its halves.
  @inlinable
  public init(low: UInt64, high: UInt64 = 0) {
    self.low = low
    self.high = high
  }

  /// The first bytes, the others 0.
  @inlinable
  public func prefix(_ count: Int) -> Self {
    func mask(_ bytes: Int) -> UInt64 { bytes >= 8 ? .max : bytes <= 0 ? 0 : 1 << UInt64(bytes * 8) - 1 }
    return Self(low: low & mask(count), high: high & mask(count - 8))
  }

  /// The bytes of both values, those of `other` moved up by 0...15 bytes.
  func union(_ other: Self, shiftedBy bytes: Int) -> Self {
    let bits = UInt64(bytes * 8)
    guard bits > 0 else { return Self(low: low | other.low, high: high | other.high) }
    guard bits < 64 else { return Self(low: low, high: high | other.low << (bits - 64)) }
    return Self(low: low | other.low << bits, high: high | other.high << bits | other.low >> (64 - bits))
  }
}

/// What made a store.
public enum StoreOrigin: UInt8, Hashable, Sendable {
  /// An instruction's own store.
  case instruction
  /// The processor's guest page walk, setting accessed or dirty flags in a guest page-table entry.
  case pageWalk
  /// A device model of the hypervisor, on a device's behalf (DMA).
  case device
}
