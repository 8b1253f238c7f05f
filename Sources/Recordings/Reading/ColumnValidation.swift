/// Checks every run of a block, at the speed of memory: the loop is free of branches and is vectorised.
enum RunValidation {
  /// What is wrong with the runs. Their ``RunIndex`` is filled in passing.
  static func flaw(
    in words: UnsafeBufferPointer<UInt64>, block: BlockHeader, totals: RecordingHeader.Totals, index: inout RunIndex
  ) -> Flaw? {
    guard let base = words.baseAddress, let sums = index.begin(runs: words.count), !words.isEmpty else {
      return miscount(accesses: 0, continuations: 0, of: block)
    }
    // Page and vCPU are taken from what they may be at most, both at once: the bit above a field is lent by its subtraction,
    // and gone if the field was too large.
    let (lastPage, lastVCPU) = (min(totals.pageLimit, 1 << 32) &- 1, UInt64(min(totals.vcpus, 256)) &- 1)
    let lent: UInt64 = 1 << 32 | 1 << 56
    let limits = lastPage | lastVCPU << 48 | lent
    var within = totals.pageLimit > 0 && totals.vcpus > 0 ? ~0 : UInt64(0)
    var empty: UInt64 = 0
    var unknown: UInt64 = 0
    var total = (accesses: UInt64(0), continuations: UInt64(0))
    var next = 0
    while next < words.count {
      sums[next / RunIndex.stride] = total.accesses & 0xffff_ffff | total.continuations &<< 32
      let end = min(next + RunIndex.stride, words.count)
      /// In bits 63:32, where the accesses of a run stand.
      var accesses: UInt64 = 0
      var continuations: UInt64 = 0
      while next < end {
        let word = base[next]
        let count = word & 0xffff &<< 32
        accesses &+= count
        empty |= count &- 1 &<< 32
        within &= limits &- (word & 0x00ff_0000_ffff_ffff)
        continuations &+= word &>> 56
        unknown |= word
        next &+= 1
      }
      total.accesses &+= accesses &>> 32
      total.continuations &+= continuations
    }
    guard empty >> 63 == 0 else { return Flaw(found: "a run without accesses", expected: "1 to 65535") }
    guard unknown >> 57 == 0 else { return Flaw(found: "a run with unknown flags", expected: "flags of version 1") }
    if within & lent != lent {
      let highestPage = words.reduce(0) { max($0, $1 & 0xffff_ffff) }
      guard highestPage < totals.pageLimit else {
        return Flaw(found: "guest page \(highestPage)", expected: "a page below \(totals.pageLimit)")
      }
      let highestVCPU = words.reduce(0) { max($0, $1 >> 48 & 0xff) }
      return Flaw(found: "vCPU \(highestVCPU)", expected: "a vCPU below \(totals.vcpus)")
    }
    return miscount(accesses: total.accesses, continuations: total.continuations, of: block)
      ?? continuationFlaw(in: words, sums, total: total.continuations)
  }

  private static func miscount(accesses: UInt64, continuations: UInt64, of block: BlockHeader) -> Flaw? {
    guard accesses == UInt64(block.accesses), accesses &- continuations == UInt64(block.writes) else {
      return Flaw(
        found: "\(accesses) accesses, \(continuations) of them continuations",
        expected: "\(block.accesses) accesses and \(block.writes) writes, as the block header says")
    }
    return nil
  }

  /// A continuation is one access, and follows a run of its own vCPU that is none. Looked for where sums say that there is one.
  private static func continuationFlaw(
    in words: UnsafeBufferPointer<UInt64>, _ sums: UnsafePointer<UInt64>, total: UInt64
  ) -> Flaw? {
    for start in stride(from: 0, to: words.count, by: RunIndex.stride) {
      let end = min(start + RunIndex.stride, words.count)
      let after = end < words.count ? sums[end / RunIndex.stride] >> 32 : total
      if after == sums[start / RunIndex.stride] >> 32 { continue }
      for index in start..<end where words[index] & 1 << 56 != 0 {
        let (word, previous) = (words[index], index > 0 ? words[index - 1] : 1 << 56)
        guard previous & 1 << 56 == 0, (word ^ previous) >> 48 & 0xff == 0, word >> 32 & 0xffff == 1 else {
          return Flaw(found: "a continuation at run \(index) that continues nothing", expected: "a run it can follow")
        }
      }
    }
    return nil
  }
}

/// Checks that accesses lie in their page.
///
/// Four at a time.
enum PlaceValidation {
  /// What is wrong with the accesses of a range, or with the sizes listed for them.
  static func flaw(in places: UnsafePointer<UInt16>, _ range: Range<Int>, sizes: [NarrowException]) -> Flaw? {
    let bytes = UnsafeRawPointer(places)
    func check(_ range: Range<Int>) -> Flaw? {
      for index in range {
        let code = places[index] >> 12
        var size = Place.size(ofCode: code)
        if code == 0 {
          guard let listed = sizes.value(at: index), (1...UInt64(Place.maximumSize)).contains(listed) else {
            return Flaw(found: "access \(index) without a size", expected: "1 to 64 bytes listed for it")
          }
          size = Int(listed)
        }
        guard Int(places[index] & 0xfff) + size <= 4096 else {
          return Flaw(found: "an access past the end of its page", expected: "an end within it")
        }
      }
      return nil
    }
    var next = range.lowerBound
    while next &+ 4 <= range.upperBound {
      let group = bytes.loadUnaligned(fromByteOffset: 2 &* next, as: UInt64.self)
      // Only escapes (bits 15:12 zero) and accesses in the last 64 bytes of a page (bits 11:6 set) need a closer look.
      let isNearEnd = ((group & 0x0fc0_0fc0_0fc0_0fc0) &+ 0x0040_0040_0040_0040) & 0x1000_1000_1000_1000
      let isSized = ((group &>> 12 & 0x000f_000f_000f_000f) &+ 0x000f_000f_000f_000f) & 0x0010_0010_0010_0010
      if isNearEnd != 0 || isSized != 0x0010_0010_0010_0010, let flaw = check(next..<next &+ 4) { return flaw }
      next &+= 4
    }
    return check(next..<range.upperBound)
  }

  /// What is wrong with listed sizes that no access asks for.
  static func flaw(in sizes: [NarrowException], of places: UnsafePointer<UInt16>) -> Flaw? {
    let isEscape = { (size: NarrowException) in places[Int(size.index)] >> 12 == 0 }
    return sizes.allSatisfy(isEscape)
      ? nil : Flaw(found: "a size listed for an access that has one", expected: "one for each escape")
  }
}
