import Addresses

/// Bytes that belong at a host-physical address, and what to call them in a complaint.
package struct MemoryImage: Sendable {
  /// The file or option they come from.
  package let name: String
  /// Where the first byte belongs.
  package let address: UInt64
  /// How many bytes.
  package let byteCount: UInt64

  /// An image from its parts.
  package init(name: String, address: UInt64, byteCount: UInt64) {
    self.name = name
    self.address = address
    self.byteCount = byteCount
  }

  /// What is wrong with a set of images, one sentence each: not made of whole aligned 64-bit words, beyond MAXPHYADDR, or overlapping.
  package static func faults(of images: [MemoryImage], on width: PhysicalAddressWidth) -> [String] {
    var faults: [String] = []
    let limit = UInt64(1) << UInt64(width.bits)
    for image in images {
      if image.address & 7 != 0 {
        faults.append("\(image.name): address \(hex(image.address)) is not a multiple of 8; align the image")
      }
      if image.byteCount & 7 != 0 || image.byteCount == 0 {
        faults.append("\(image.name): \(image.byteCount) bytes are no whole number of 64-bit words; pad the image")
      }
      if image.address >= limit || image.byteCount > limit - image.address {
        faults.append(
          "\(image.name): runs beyond the \(width.bits) bits of a physical address from \(hex(image.address)) on; "
            + "move it or raise maxpa")
      }
    }
    let sorted = images.sorted { $0.address < $1.address }
    for (low, high) in zip(sorted, sorted.dropFirst()) where high.address - low.address < low.byteCount {
      faults.append("\(high.name): overlaps \(low.name) at \(hex(high.address)); give each word once")
    }
    return faults
  }
}

extension SparseMemory {
  /// Copies bytes to `address` (8-byte aligned), little endian; a page of zeros takes no room. False if the page limit is reached.
  package func copy(_ bytes: UnsafeRawBufferPointer, to address: HostPhysicalAddress) -> Bool {
    let refused = refusedStores
    for offset in stride(from: 0, to: bytes.count & ~7, by: 8) {
      let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      if word != 0 { store(word, at: HostPhysicalAddress(address.rawValue &+ UInt64(offset))) }
    }
    return refusedStores == refused
  }
}
