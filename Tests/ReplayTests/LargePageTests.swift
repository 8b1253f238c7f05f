import EPT
import Testing

@testable import Replay

@Suite("Large pages in two dimensions")
struct LargePageTests {
  @Test("keys of whole regions meet those of their pages, and lie in the sets that region addresses name")
  func keys() {
    for region in [0, 5, 127, 128, 200_000] as [UInt32] {
      for isGlobal in [false, true] {
        let pages = (0..<512 as Range<UInt64>).map { LinearKey.key(region: region, page: $0, isGlobal: isGlobal) }
        let whole = LinearKey.whole(pages[0])
        #expect(Set(pages.map(LinearKey.whole)) == [whole] && !pages.contains(whole))
        #expect(LinearKey.isWhole(whole) && LinearKey.isGlobal(whole) == isGlobal && whole & 127 == region & 127)
        #expect(pages.allSatisfy { !LinearKey.isWhole($0) && UInt64($0) < LinearKey.limit })
        // A page that is mapped anew takes the region's entry with it, and leaves the other pages'.
        #expect(LinearKey.areSpanned(whole, pages[7], by: .pte, ofKernel: false))
        #expect(!LinearKey.areSpanned(pages[8], pages[7], by: .pte, ofKernel: false))
        let other = LinearKey.key(region: region + 1, page: 7, isGlobal: isGlobal)
        #expect(!LinearKey.areSpanned(whole, other, by: .pde, ofKernel: false))
      }
    }
  }

  @Test("a leaf split to protect a page of it costs the guest reach: walks that the guest unmonitored does not make")
  func split() throws {
    func walks(_ dimensions: Dimensions) throws -> (unmonitored: UInt64, monitored: UInt64) {
      let profile = try #require(try ProfileLibrary.profile(named: ProfileLibrary.defaultName))
      let path = RecordedBoot.path.replacingOccurrences(of: "boot.trace", with: "quick.trace")
      let request = ReplayRequest(
        tracePath: path, strategies: [.eptpExit], profile: profile, dimensions: dimensions, countersOnly: true)
      let recording = try Recording(path: path)
      let walks = try recording.replay(
        [nil, .eptpExit], under: recording.protection(by: nil, armedBy: nil), request: request
      ).map { $0.counts[.walks] }
      return (walks[0], walks[1])
    }
    let (one, two) = (try walks(.one), try walks(.two))
    #expect(two.unmonitored < one.unmonitored, "large pages have no more reach")
    // In one dimension both guests have entries of 4 KiB, so that only invalidations tell them apart.
    let (without, with) = (one.monitored - one.unmonitored, two.monitored - two.unmonitored)
    #expect(with > without, "\(with) walks more in two dimensions, \(without) in one")
  }
}
