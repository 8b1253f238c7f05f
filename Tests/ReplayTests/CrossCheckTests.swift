import Addresses
import GuestIntegrity
import Testing

@testable import Replay

@Suite("Cross-check")
struct CrossCheckTests {
  /// A tally of stores; those below 10 touch protected bytes, the others only their pages.
  private func tally(_ stores: [UInt64]) -> NotificationTally {
    stores.reduce(into: NotificationTally()) { tally, store in
      tally.add(
        NotificationShape(delivery: .exit, completion: Acts(.emulatedStore), walkReferences: .zero, treeNodes: 1),
        kind: .protected, store: store, at: GuestPhysicalAddress(0x7000), bytes: 8, touched: store < 10 ? .bytes : .page
      )
    }
  }

  @Test("agrees where the same stores were notified, in whatever order")
  func same() {
    let check = CrossCheck([.eptpExit, .filter], [tally([1, 2, 12]), tally([12, 2, 1])])
    #expect(check.agree && check.differences.isEmpty)
    #expect(CrossCheck([], []).agree)
  }

  @Test("fails where a sound strategy missed a store, or notified another")
  func missed() {
    for other: [UInt64] in [[1, 2], [1, 3, 12], []] {
      let check = CrossCheck([.eptpExit, .filter], [tally([1, 2, 12]), tally(other)])
      #expect(!check.agree && check.differences.count == 1, "\(other)")
      #expect(check.differences.first?.hasPrefix("filter notified \(other.count) stores, and owes 3") == true)
    }
  }

  @Test("lists what an unsound strategy missed, and does not fail")
  func unsound() {
    let check = CrossCheck([.toggle, .eptpExit], [tally([1]), tally([1, 2])])
    #expect(check.agree)
    #expect(check.differences.first?.hasPrefix("toggle notified 1 stores, and owes 2 by what eptp-exit") == true)
  }

  @Test("holds sub-page permissions to the stores that touch a sub-page with protected bytes")
  func subPages() {
    #expect(CrossCheck([.eptpExit, .spp], [tally([1, 2, 12]), tally([1, 2])]).differences.isEmpty)
    #expect(!CrossCheck([.eptpExit, .spp], [tally([1, 2, 12]), tally([1, 2, 12])]).agree)
    #expect(!CrossCheck([.eptpExit, .spp], [tally([1, 2, 12]), tally([1])]).agree)
  }

  /// A tally of stores and of updates by the page walker.
  private func tally(_ stores: [UInt64], updates: [UInt64]) -> NotificationTally {
    updates.reduce(into: tally(stores)) { tally, update in
      tally.addUpdate(
        NotificationShape(delivery: .exit, completion: Acts(.emulatedStore), walkReferences: .zero, treeNodes: 1),
        at: GuestPhysicalAddress(0x9000), by: update)
    }
  }

  @Test("fails where a sound strategy missed an update by the page walker, and lists what an unsound one missed")
  func walkerUpdates() {
    for other: [UInt64] in [[], [5], [5, 7], [5, 6, 7]] {
      let tallies = [tally([1, 2], updates: [5, 6]), tally([1, 2], updates: other)]
      let sound = CrossCheck([.eptpExit, .filter], tallies)
      #expect(!sound.agree && sound.differences.count == 1, "\(other)")
      #expect(sound.differences.first?.contains("\(other.count) updates by the page walker") == true)
      let subPages = CrossCheck([.eptpExit, .spp], tallies)
      #expect(!subPages.agree, "no sub-page permission is asked for updates")
      let unsound = CrossCheck([.eptpExit, .toggle], tallies)
      #expect(unsound.agree && unsound.differences.count == 1, "\(other)")
    }
    let same = CrossCheck([.eptpExit, .filter], [tally([1], updates: [5, 6]), tally([1], updates: [6, 5])])
    #expect(same.agree && same.differences.isEmpty)
  }

  @Test("says that a log notices pages, and holds it to no set")
  func log() {
    let check = CrossCheck([.eptpExit, .pml], [tally([1, 2, 12]), tally([1])])
    #expect(check.agree && check.differences.first?.hasPrefix("pml notified 1 times, eptp-exit 3: by contract") == true)
    // A log alone has nothing to be compared with.
    #expect(CrossCheck([.pml, .spp], [tally([1]), tally([2])]).differences.isEmpty)
  }
}
