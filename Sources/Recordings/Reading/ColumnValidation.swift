/// Checks every run of a block, at the speed of memory: the loop is free of branches and is vectorised.
enum RunValidation {
  static func flaw(
    in words: UnsafeBufferPointer<UInt64>, block: BlockHeader, totals: RecordingHeader.Totals
  ) -> Flaw? {
    // Bit 63 of a difference says that what was taken from it was too large: sums and unions, which every vector unit has.
    let (lastPage, lastVCPU) = (totals.pageLimit &- 1, UInt64(totals.vcpus) &- 1)
    var accesses: UInt64 = 0
    var continuations: UInt64 = 0
    var empty: UInt64 = 0
    var unknown: UInt64 = 0
    var beyond: UInt64 = 0
    for word in words {
      let count = word &>> 32 & 0xffff
      accesses &+= count
      empty |= count &- 1
      beyond |= lastPage &- (word & 0xffff_ffff)
      beyond |= lastVCPU &- (word &>> 48 & 0xff)
      continuations &+= word &>> 56 & 1
      unknown |= word
    }
    guard empty >> 63 == 0 else { return Flaw(found: "a run without accesses", expected: "1 to 65535") }
    guard unknown >> 57 == 0 else { return Flaw(found: "a run with unknown flags", expected: "flags of version 1") }
    if beyond >> 63 != 0 {
      let highestPage = words.reduce(0) { max($0, $1 & 0xffff_ffff) }
      guard highestPage < totals.pageLimit else {
        return Flaw(found: "guest page \(highestPage)", expected: "a page below \(totals.pageLimit)")
      }
      let highestVCPU = words.reduce(0) { max($0, $1 >> 48 & 0xff) }
      return Flaw(found: "vCPU \(highestVCPU)", expected: "a vCPU below \(totals.vcpus)")
    }
    guard accesses == UInt64(block.accesses), accesses &- continuations == UInt64(block.writes) else {
      return Flaw(
        found: "\(accesses) accesses, \(continuations) of them continuations",
        expected: "\(block.accesses) accesses and \(block.writes) writes, as the block header says")
    }
    return continuations == 0 ? nil : continuationFlaw(in: words)
  }

  /// A continuation is one access, and follows a run of its own vCPU that is none.
  private static func continuationFlaw(in words: UnsafeBufferPointer<UInt64>) -> Flaw? {
    var previous: UInt64 = 1 << 56
    for (index, word) in words.enumerated() {
      if word & 1 << 56 != 0 {
        guard previous & 1 << 56 == 0, (word ^ previous) >> 48 & 0xff == 0, word >> 32 & 0xffff == 1 else {
          return Flaw(found: "a continuation at run \(index) that continues nothing", expected: "a run it can follow")
        }
      }
      previous = word
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
