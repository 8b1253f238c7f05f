import Addresses
import Testing

@testable import MonitorTree

@Suite("The tree says what a sorted list of pages says")
struct ModelTests {
  static let shapes = [
    NodeShape(entriesPerBlock: 4, blocksPerLeaf: 2, children: 4), .tiny,
    NodeShape(entriesPerBlock: 15, blocksPerLeaf: 3, children: 4), NodeShape(),
  ]

  @Test("after any sequence of changes, with tiny nodes", arguments: 0..<4, 1...12)
  func randomChanges(shape: Int, seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed) << 8 | UInt64(shape))
    let total: UInt64 = 1024
    let guest = TestGuest(pages: total)
    let writer = try guest.writer(Self.shapes[shape], slab: pages(300, 200))
    var store = guest.store
    var model = PageModel(pages: total)
    model.insert(pages(300, 200), [.blockWrite], .tree)
    for step in 0..<400 {
      let length = Bool.random(using: &random) ? 1 : UInt64.random(in: 1...60, using: &random)
      let range = pages(UInt64.random(in: 0...total - length, using: &random), length)
      let region = RegionID(UInt16.random(in: 1...4, using: &random))
      let actions = AlertActions(rawValue: UInt16.random(in: 0...3, using: &random))
      var expected = model
      do {
        let change: TreeWriter.Change
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<5:
          expected.insert(range, actions, region)
          change = try writer.insert(range, actions: actions, region: region, through: &store)
        case 5..<7:
          expected.remove(range, region)
          change = try writer.remove(range, region: region, through: &store)
        case 7:
          expected.remove(range, nil)
          change = try writer.remove(range, region: nil, through: &store)
        case 8:
          expected.setActions(range, actions, region)
          change = try writer.setActions(range, actions: actions, region: region, through: &store)
        default:
          expected.insert(range, [.notify], .tree)
          change = try writer.donate(range, actions: [.notify], through: &store)
        }
        #expect(change.pages == UInt64(model.differences(from: expected)), "seed \(seed) step \(step)")
        model = expected
      } catch TreeError.overlapsTree { #expect(model.isTree(range)) } catch TreeError.overlapsProtected {
        #expect(model.isClaimed(range))
      }
      if step % 20 == 19 { try check(guest, writer, model, "seed \(seed) step \(step)") }
    }
  }

  private func check(_ guest: TestGuest, _ writer: TreeWriter, _ model: PageModel, _ place: String) throws {
    let tree = guest.tree
    for number in 0..<guest.memory.pageCount {
      let objection = model.objection(to: tree.find(page(UInt64(number))).answer, about: UInt64(number))
      try #require(objection == nil, "\(place): \(objection ?? "")")
    }
    // Every donated page is a node or free: none is lost, none is in use twice.
    let counters = writer.counters
    #expect(counters.nodes + counters.freePages + counters.retiredPages == Int(counters.slabPages), "\(place)")
    let stock = try TreeWriter(
      memory: guest.memory, base: guest.base, nodeActions: writer.nodeActions, shape: writer.shape)
    #expect(stock.counters == counters, "\(place)")
  }
}
