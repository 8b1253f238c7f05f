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
  public var value: StoredValue?
  /// When, on the caller's clock; copied into the event record.
  public var time: UInt64
  /// What made the store.
  public var origin: StoreOrigin

  /// A store.
  @inlinable
  public init(
    vcpu: Int, address: GuestPhysicalAddress, size: Int, secondPage: GuestPageNumber? = nil,
    linearAddress: GuestLinearAddress? = nil, rip: GuestLinearAddress? = nil, value: StoredValue? = nil,
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

/// What made a store.
public enum StoreOrigin: UInt8, Hashable, Sendable {
  /// An instruction's own store.
  case instruction
  /// The processor's guest page walk, setting accessed or dirty flags in a guest page-table entry.
  case pageWalk
  /// A device model of the hypervisor, on a device's behalf (DMA).
  case device
}
