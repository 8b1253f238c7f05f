import Addresses
import SeededRandom
import Testing

@testable import MonitorTree

@Suite("How full nodes are kept")
struct NodeFillTests {
  @Test(
    "no interior node but the base falls below a third, whatever page is taken out, from the front, the back or anywhere",
    arguments: 0..<3)
  func interiorNodes(order: Int) throws {
    let guest = TestGuest(pages: 8000)
    let shape = NodeShape(entriesPerBlock: 5, blocksPerLeaf: 2, children: 9)
    let writer = try guest.writer(shape, slab: pages(7000, 900))
    var store = guest.store
    var numbers = (0..<1000 as Range<UInt64>).map { $0 * 3 }
    for number in numbers { try writer.insert(pages(number, 1), actions: .log, region: RegionID(1), through: &store) }
    var random = SplitMix64(seed: 11)
    if order == 1 { numbers.reverse() }
    if order == 2 { numbers.shuffle(using: &random) }
    var deepest = 0
    for number in numbers.dropLast(5) {
      try writer.remove(pages(number, 1), region: RegionID(1), through: &store)
      deepest = max(deepest, guest.base.reference.level)
      var few: [Int] = []
      try guest.memory.visit(guest.base.reference) { (_, _) throws(TreeError) in
      } interior: { (node, children) throws(TreeError) in
        if node != guest.base.reference, children.count < shape.children / 3 { few.append(children.count) }
      }
      #expect(few == [], "without page \(number)")
    }
    #expect(deepest >= 3 && guest.tree.check() == [])
  }

  @Test(
    "actions that no entry has room for are refused by every change, and nothing is changed", arguments: [12, 13, 15])
  func unstorableActions(bit: UInt16) throws {
    let guest = TestGuest(pages: 800)
    let writer = try guest.writer(slab: pages(200, 200))
    var store = guest.store
    try writer.insert(pages(20, 4), actions: .log, region: RegionID(1), through: &store)
    let before = guest.base.reference
    let actions = AlertActions(rawValue: 1 << bit | 1)
    func expectRefusal(_ change: () throws -> Void) {
      #expect(throws: TreeError.invalidActions(actions), performing: change)
      #expect(guest.base.reference == before)
    }
    expectRefusal { try writer.insert(pages(30, 2), actions: actions, region: RegionID(2), through: &store) }
    expectRefusal { try writer.setActions(pages(20, 2), actions: actions, region: RegionID(1), through: &store) }
    #expect(guest.tree.find(page(30)).answer == .notMine)
  }
}
