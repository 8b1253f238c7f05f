/// The places of a block: as the file has them, and with their offsets those of the runs on selected pages.
struct PlaceColumn: ~Copyable {
  /// The pages whose runs' places are decoded.
  let pages = PageSelection()
  private var stored = ColumnBuffer()
  private var places = ColumnBuffer()
  private var chosen = ColumnBuffer()
  private var firsts = ColumnBuffer()
  private let prediction = PlacePrediction()
  private var sizes: [NarrowException] = []
  private var accesses = 0

  /// Whether the block's column was read.
  var isFilled: Bool { stored.isFilled }

  /// Forgets the block.
  mutating func removeAll() {
    stored.isFilled = false
    pages.removeAll()
  }

  /// Where the column's decompressed bytes go.
  mutating func bytes(_ count: Int) -> UnsafeMutableRawBufferPointer { stored.bytes(count) }

  /// Takes the bytes; what is wrong with the list of sizes among them.
  mutating func accept(_ bytes: UnsafeRawBufferPointer, accesses: Int) -> Flaw? {
    self.accesses = accesses
    var tail = ByteReader(bytes, from: 2 * accesses)
    guard NarrowColumn.decode(&tail, count: accesses, into: &sizes) else { return .badExceptions }
    stored.isFilled = true
    return nil
  }

  /// Decodes the places of the runs on selected pages; what is wrong with them.
  mutating func decode(runs: UnsafeBufferPointer<Run>, index: inout RunIndex) -> Flaw? {
    guard let base = runs.baseAddress, let stored = stored.base else { return nil }
    let words = UnsafeRawPointer(base).assumingMemoryBound(to: UInt64.self)
    guard let target = places.bytes(2 * accesses).baseAddress,
      let found = chosen.bytes(4 * runs.count).bindMemory(to: UInt32.self).baseAddress
    else { return nil }
    let chosen = UnsafeBufferPointer(
      start: UnsafePointer(found), count: pages.find(in: words, count: runs.count, found))
    guard let firsts = firsts.bytes(4 * chosen.count).bindMemory(to: UInt32.self).baseAddress else { return nil }
    for (position, run) in chosen.enumerated() {
      firsts[position] = UInt32(truncatingIfNeeded: index.count(before: Int(run), in: words).accesses)
    }
    prediction.decode(stored, into: target, runs: words, chosen: chosen, firsts: firsts)
    let offsets = UnsafePointer(target.assumingMemoryBound(to: UInt16.self))
    if chosen.count == runs.count {
      return PlaceValidation.flaw(in: offsets, 0..<accesses, sizes: sizes)
        ?? PlaceValidation.flaw(in: sizes, of: offsets)
    }
    for (position, run) in chosen.enumerated() {
      let first = Int(firsts[position])
      let range = first..<first + runs[Int(run)].accesses
      if let flaw = PlaceValidation.flaw(in: offsets, range, sizes: sizes) { return flaw }
    }
    return nil
  }

  /// The place of an access, decoded.
  subscript(access: Int) -> Place {
    let word = places.load(access, as: UInt16.self)
    let size = Place.size(ofCode: word >> 12)
    return Place(offset: Int(word & 0xfff), size: size > 0 ? size : Int(sizes.value(at: access) ?? 1))
  }
}
