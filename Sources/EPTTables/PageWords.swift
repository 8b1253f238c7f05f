import Addresses
import EPT

extension Level {
  /// log2 of the pages that one entry of the level spans.
  var pageShift: UInt64 { shift - 12 }
  /// Which entry of a table of this level leads to a page.
  package func index(ofPage page: UInt64) -> Int { Int(page >> pageShift & 511) }
}

extension HostPhysicalAddress {
  /// The address of a qword of the page that starts here.
  package func qword(_ index: Int) -> Self { Self(rawValue + UInt64(index) * 8) }
}

extension FlatMemory {
  /// Stores the same word all over a page.
  package func fill(_ page: HostPhysicalAddress, with word: UInt64) {
    for index in 0..<512 { store(word, at: page.qword(index)) }
  }
}
