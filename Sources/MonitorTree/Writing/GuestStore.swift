import Addresses

/// How a tree's writer stores into guest memory and publishes: the caller supplies it.
///
/// The GI driver's stores pass the emulated EPT; tests tear, refuse and delay them. Stores are made in program order
/// and `publish` comes last; a store that is refused ends the change, which then has changed nothing.
public protocol GuestStore {
  /// Stores eight bytes, little endian, at an eight-byte-aligned guest-physical address; false if it was not performed.
  mutating func store(_ value: UInt64, at address: GuestPhysicalAddress) -> Bool

  /// Stores a page of 512 words, in ascending order; the address of the first store that was not performed, if any.
  ///
  /// There is no need to implement it: by default it makes one store after another.
  mutating func store(_ words: UnsafeBufferPointer<UInt64>, page: GuestPageNumber) -> GuestPhysicalAddress?

  /// Lets walks start at `reference` from now on, after all stores before; false if that was not performed.
  mutating func publish(_ reference: NodeReference, at base: BasePointer) -> Bool
}

extension GuestStore {
  /// Stores one word after another.
  @inlinable
  public mutating func store(
    _ words: UnsafeBufferPointer<UInt64>, page: GuestPageNumber
  ) -> GuestPhysicalAddress? {
    var address = page.address
    for word in words {
      guard store(word, at: address) else { return address }
      address.rawValue += 8
    }
    return nil
  }

  /// Publishes by one release store to the base pointer.
  @inlinable
  public mutating func publish(_ reference: NodeReference, at base: BasePointer) -> Bool {
    base.publish(reference)
    return true
  }
}

/// Stores straight into guest memory, past any EPT.
@frozen
public struct DirectStore: GuestStore {
  @usableFromInline let memory: GuestMemory

  /// Stores into this memory.
  @inlinable public init(_ memory: GuestMemory) { self.memory = memory }

  /// Stores eight bytes; false outside guest memory.
  @inlinable
  public mutating func store(_ value: UInt64, at address: GuestPhysicalAddress) -> Bool {
    guard address.page.rawValue < UInt64(memory.pageCount), address.rawValue & 7 == 0 else { return false }
    memory.start.storeBytes(of: value, toByteOffset: Int(address.rawValue), as: UInt64.self)
    return true
  }

  /// Stores a page at once.
  @inlinable
  public mutating func store(
    _ words: UnsafeBufferPointer<UInt64>, page: GuestPageNumber
  ) -> GuestPhysicalAddress? {
    guard page.rawValue < UInt64(memory.pageCount), words.count <= 512 else { return page.address }
    let node = UnsafeMutableRawBufferPointer(start: memory.start + Int(page.rawValue) << 12, count: 4096)
    node.copyMemory(from: UnsafeRawBufferPointer(words))
    return nil
  }
}
