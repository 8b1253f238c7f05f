import Addresses
import Testing

@testable import MonitorTree

@Suite("Claims on the same pages")
struct ForgedOrderTests {
  @Test("a leaf whose claims on the same pages are out of order is corrupt, however right its check codes are")
  func sharedPages() throws {
    let guest = TestGuest(pages: 800)
    let writer = try guest.writer(NodeShape(), slab: pages(200, 100))
    var store = guest.store
    for region in 1...3 as ClosedRange<UInt16> {
      try writer.insert(pages(10, 4), actions: .log, region: RegionID(region), through: &store)
    }
    #expect(guest.tree.check() == [])
    let leaf = try #require(try guest.nodes().first { $0.level == 0 })
    let bytes = guest.bytes(of: leaf.pageNumber)
    let saved = Array(bytes)
    var found = 0
    for block in 0..<NodeLayout.blocksPerLeaf {
      let start = block * NodeLayout.Block.bytes
      let count = Int(bytes.loadUnaligned(fromByteOffset: start + NodeLayout.Block.header, as: UInt32.self) & 0xff)
      for slot in 0..<count {
        let keys = bytes.loadUnaligned(fromByteOffset: start + NodeLayout.Block.keys + slot * 4, as: UInt64.self)
        let place = start + NodeLayout.Block.words + slot * 8
        let claim = Claim(word: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
        // The second and the third claim on pages 10 to 13.
        guard keys & 0xffff_ffff == 10, claim.ordinal == 1 || claim.ordinal == 2 else { continue }
        found += 1
        let (region, ordinal) = (claim.region, claim.ordinal)
        for forged in [
          Claim(pages: 4, region: region, ordinal: ordinal - 1, actions: .log),
          Claim(pages: 4, region: region, ordinal: ordinal + 1, actions: .log),
          Claim(pages: 3, region: region, ordinal: ordinal, actions: .log),
          Claim(pages: 5, region: region, ordinal: ordinal, actions: .log),
          Claim(pages: 4, region: RegionID(UInt16(ordinal)), ordinal: ordinal, actions: .log),
        ] {
          bytes.storeBytes(of: forged.word, toByteOffset: place, as: UInt64.self)
          bytes.storeBytes(
            of: NodeLayout.check(keys: keys, word: forged.word, seed: leaf.seed),
            toByteOffset: start + NodeLayout.Block.checks + slot * 4, as: UInt32.self)
          #expect(guest.tree.check().contains(.corruptNode(leaf.pageNumber)), "slot \(slot): \(forged)")
          bytes.copyBytes(from: saved)
        }
      }
    }
    #expect(found == 2)
    #expect(guest.tree.check() == [])
  }

  @Test("a node's reference takes exactly the actions it is given, and keeps all else")
  func actions() {
    for first in 0..<12 as Range<UInt16> {
      let before = NodeReference(
        page: 0x5a5_a5a5, level: 5, edition: 0x2_a5a5, actions: AlertActions(rawValue: 1 << first))
      for second in 0..<12 as Range<UInt16> {
        let after = before.with(actions: AlertActions(rawValue: 1 << second))
        #expect(after.actions.rawValue == 1 << second, "\(first), \(second)")
        #expect(after.identity == before.identity && after.page == before.page && after.level == 5)
      }
    }
  }
}
