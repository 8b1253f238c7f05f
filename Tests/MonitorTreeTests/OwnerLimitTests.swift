import Addresses
import Testing

@testable import MonitorTree

@Suite("The most claims on a page")
struct OwnerLimitTests {
  @Test(
    "refuse one more on that page, with everything as it was, and none on its neighbours",
    arguments: [1, 3] as [UInt64])
  func neighbours(count: UInt64) throws {
    let guest = TestGuest(pages: 800)
    let writer = try guest.writer(.tiny, slab: pages(200, 200))
    var store = guest.store
    var region: UInt16 = 1
    var refusal: TreeError?
    while refusal == nil, region < 100 {
      do {
        try writer.insert(pages(20, count), actions: .log, region: RegionID(region), through: &store)
        region += 1
      } catch { refusal = error }
    }
    #expect(refusal == .tooManyOwners(page(20)))
    let new = RegionID(region)
    func claims(_ first: UInt64) throws {
      try writer.insert(pages(first, 4), actions: .count, region: new, through: &store)
    }
    for first in 17..<20 + count {
      #expect(throws: TreeError.self, "pages from \(first)") { try claims(first) }
      #expect(guest.tree.check() == [])
    }
    // Up to the page before, and from the page after.
    try claims(16)
    try claims(20 + count)
    for number in [19, 20 + count] {
      guard case .protected = guest.tree.find(page(number)).answer else {
        Issue.record("page \(number) is not protected")
        continue
      }
    }
    #expect(guest.tree.check() == [])
  }
}
