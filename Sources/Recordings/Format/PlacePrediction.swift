import Addresses

/// Offsets as differences to the last offset on the same page: what the places column holds on disk.
///
/// Code that fills, copies or counts touches a page in equal steps, wherever the page lies; as differences these repeat, and
/// a recording's places shrink to about a third. The last offsets are kept in a direct-mapped table: pages that share a slot
/// predict each other badly, never wrongly.
struct PlacePrediction: ~Copyable {
  private let last = Storage<UInt16>(uninitialized: slots)
  private static let slots = 1 << 16

  /// Replaces the offsets of a block's places by differences.
  func encode(_ places: UnsafeMutablePointer<UInt16>, runs: UnsafePointer<UInt64>, count: Int) {
    if Self.areFew(count) {
      for run in 0..<count { slot(of: runs[run]).pointee = 0 }
    } else {
      last.fill(with: 0)
    }
    var access = 0
    for run in 0..<count {
      let slot = slot(of: runs[run])
      for _ in 0..<Self.accesses(of: runs[run]) {
        let offset = places[access] & 0xfff
        places[access] = places[access] & 0xf000 | (offset &- slot.pointee) & 0xfff
        slot.pointee = offset
        access &+= 1
      }
    }
  }

  /// The places of the runs `chosen`, ascending, with every run on a page of theirs; four at a time, so that 8 bytes more than
  /// the column takes must be there, on either side. `firsts` has the first access of each of them.
  ///
  /// The sums of four differences are their word times 1 + 2^16 + 2^32 + 2^48: of 12 bits each, they reach no neighbour. Not in
  /// place, since a word that is read would wait for the words written before that overlap it.
  func decode(
    _ stored: UnsafeRawPointer, into places: UnsafeMutableRawPointer, runs: UnsafePointer<UInt64>,
    chosen: UnsafeBufferPointer<UInt32>, firsts: UnsafePointer<UInt32>
  ) {
    if Self.areFew(chosen.count) {
      for run in chosen { slot(of: runs[Int(run)]).pointee = 0 }
    } else {
      last.fill(with: 0)
    }
    let each: UInt64 = 0x0001_0001_0001_0001
    let offsets = 0xfff &* each
    for position in chosen.indices {
      let run = chosen[position]
      let word = runs[Int(run)]
      let slot = slot(of: word)
      var left = Self.accesses(of: word)
      var next = 2 &* Int(firsts[position])
      var last = UInt64(slot.pointee)
      while true {
        let word = stored.loadUnaligned(fromByteOffset: next, as: UInt64.self)
        let sums = (word & offsets) &* each &+ last &* each
        // What this writes behind the run is written again with the next, if anybody chose that.
        places.storeBytes(of: word & ~offsets | sums & offsets, toByteOffset: next, as: UInt64.self)
        if left <= 4 {
          slot.pointee = UInt16(truncatingIfNeeded: sums &>> UInt64(truncatingIfNeeded: 16 &* (left &- 1))) & 0xfff
          break
        }
        last = sums &>> 48 & 0xfff
        next &+= 8
        left &-= 4
      }
    }
  }

  /// Of a few runs the pages are forgotten, of many all.
  private static func areFew(_ runs: Int) -> Bool { runs < slots / 8 }

  /// The last offset on a run's page.
  private func slot(of run: UInt64) -> UnsafeMutablePointer<UInt16> { last.base + Int(run & UInt64(Self.slots - 1)) }

  private static func accesses(of run: UInt64) -> Int { Int(run >> 32 & 0xffff) }
}
