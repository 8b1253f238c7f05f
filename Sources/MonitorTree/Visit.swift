import Addresses

extension GuestMemory {
  /// Decodes every node below `base`, parents first and in ascending order, and hands it to `body` with its entries.
  ///
  /// - Throws: `corrupt` for the first node that is not as its writer left it, or whatever `body` throws.
  func visit(
    _ base: NodeReference, _ body: (NodeReference, [Entry]) throws(TreeError) -> Void
  ) throws(TreeError) {
    try visit(base, level: base.level, first: 0, end: NodeLayout.endMark, body)
  }

  private func visit(
    _ reference: NodeReference, level: Int, first: UInt32, end: UInt32,
    _ body: (NodeReference, [Entry]) throws(TreeError) -> Void
  ) throws(TreeError) {
    var entries: [Entry] = []
    let decodedEnd = try decode(reference, level: level, first: first, into: &entries)
    guard decodedEnd == end else { throw .corrupt(reference.pageNumber) }
    try body(reference, entries)
    guard level > 0 else { return }
    for (index, entry) in entries.enumerated() {
      let next = index + 1 < entries.count ? entries[index + 1].key : end
      try visit(entry.reference, level: level - 1, first: entry.key, end: next, body)
    }
  }
}
