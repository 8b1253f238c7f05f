/// What a strategy costs beyond the same guest unmonitored, before it is a number, under every structure of the world.
struct StrategyPrice {
  /// What was counted.
  var counted: LinearForm
  /// What is added where every INVEPT emptied a full second-level TLB.
  var refill = LinearForm()
  /// What is added where the first-level data cache is flushed behind each emulated store.
  var flush = LinearForm()

  /// A price of these costs alone.
  init(_ counted: LinearForm) { self.counted = counted }

  /// The price of a strategy's counts less those of the guest unmonitored.
  init(_ counts: EventCounts, beyond unmonitored: EventCounts, geometry: CacheGeometry) {
    counted = PriceList.price(of: counts) - PriceList.price(of: unmonitored)
    let invalidations = Double(counts[.inveptSingle] + counts[.inveptAll])
    let full = invalidations * Double(geometry.stlb.entries)
    refill[.refillWalk] = max(0, full - Double(counts[.translationsInvalidated]))
    flush[.l1dFlush] = Double(counts[.emulatedStores])
  }

  /// The price in one world.
  func form(in structure: Structure) -> LinearForm {
    var form = counted
    if structure.refill == .full { form.add(refill, times: 1) }
    if structure.mitigations == .on { form.add(flush, times: 1) }
    return form
  }

  static func + (a: Self, b: Self) -> Self {
    var sum = a
    sum.counted.add(b.counted, times: 1)
    sum.refill.add(b.refill, times: 1)
    sum.flush.add(b.flush, times: 1)
    return sum
  }

  static func - (a: Self, b: Self) -> Self {
    var difference = Self(a.counted - b.counted)
    difference.refill = a.refill - b.refill
    difference.flush = a.flush - b.flush
    return difference
  }
}
