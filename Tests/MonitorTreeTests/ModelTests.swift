import SeededRandom
import Addresses
import Testing

@testable import MonitorTree

@Suite("The tree says what a list of pages says")
struct ModelTests {
  static let shapes = [
    NodeShape(entriesPerBlock: 4, blocksPerLeaf: 2, children: 4), .tiny,
    NodeShape(entriesPerBlock: 15, blocksPerLeaf: 3, children: 4), NodeShape(),
  ]

  /// A tree and the model of it, changed together.
  struct Pair {
    let guest: TestGuest
    let writer: TreeWriter
    var model: PageModel

    init(_ shape: NodeShape, pages total: UInt64, slab: PageRange) throws {
      guest = TestGuest(pages: total)
      writer = try guest.writer(shape, slab: slab)
      model = PageModel(pages: total)
      model.insert(slab, [.blockWrite], .tree)
    }

    /// Makes a random change in both; the errors that may come are those the model foresees.
    mutating func change(_ random: inout SplitMix64) throws {
      let total = UInt64(model.claims.count)
      let length = Bool.random(using: &random) ? 1 : UInt64.random(in: 1...60, using: &random)
      let range = pages(UInt64.random(in: 0...total - length, using: &random), length)
      let region = RegionID(UInt16.random(in: 1...4, using: &random))
      let actions = AlertActions(rawValue: UInt16.random(in: 0...3, using: &random))
      var store = guest.store
      var expected = model
      do {
        let change: TreeWriter.Change
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<10:
          expected.insert(range, actions, region)
          change = try writer.insert(range, actions: actions, region: region, through: &store)
        case 10..<14:
          expected.remove(range, region)
          change = try writer.remove(range, region: region, through: &store)
        case 14, 15:
          expected.remove(range, nil)
          change = try writer.remove(range, region: nil, through: &store)
        case 16, 17:
          expected.setActions(range, actions, region)
          change = try writer.setActions(range, actions: actions, region: region, through: &store)
        case 18:
          change = try writer.compact(through: &store)
        default:
          expected.insert(range, [.notify], .tree)
          change = try writer.donate(range, actions: [.notify], through: &store)
        }
        #expect(change.pages == UInt64(model.differences(from: expected)))
        model = expected
      } catch TreeError.overlapsTree {
        #expect(model.isTree(range))
      } catch TreeError.overlapsProtected {
        #expect(model.isClaimed(range) && !model.isTree(pages(range.first.rawValue, 1)))
      }
    }
  }

  @Test("after any sequence of changes, at every page", arguments: 0..<4, 1...12)
  func randomChanges(shape: Int, seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed) << 8 | UInt64(shape))
    var pair = try Pair(Self.shapes[shape], pages: 1024, slab: pages(300, 200))
    CaseCount.operations.add(400)
    for step in 1...400 {
      try pair.change(&random)
      guard step % 20 == 0 else { continue }
      let place = "shape \(shape) seed \(seed) step \(step)"
      let disagreement = pair.guest.disagreement(with: pair.model)
      try #require(disagreement == nil, "\(place): \(disagreement ?? "")")
      try #require(pair.guest.tree.check() == [], "\(place)")
      // Every donated page is a node or free: none is lost, none is in use twice.
      let counters = pair.writer.counters
      #expect(counters.nodes + counters.freePages + counters.retiredPages == Int(counters.slabPages), "\(place)")
      #expect(try pair.guest.attach(pair.writer.shape).counters == counters, "\(place)")
    }
  }

  @Test("for runs of pages, for each claim, and in ascending order", arguments: 1...6)
  func rangeQueries(seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed))
    var pair = try Pair(.tiny, pages: 400, slab: pages(100, 150))
    for _ in 0..<150 { try pair.change(&random) }
    let tree = pair.guest.tree
    for _ in 0..<2000 {
      let length = UInt64.random(in: 1...50, using: &random)
      let range = pages(UInt64.random(in: 0...400 - length, using: &random), length)
      let objection = pair.model.objection(to: tree.find(range), about: range)
      try #require(objection == nil, "seed \(seed): \(objection ?? "")")
      // What forEach gives covers exactly the pages of the run that have claims, in order.
      var last = -1
      var covered: Set<Int> = []
      tree.forEach(in: range) { answer in
        switch answer {
        case .protected(let segment):
          #expect(Int(segment.range.first.rawValue) > last)
          last = Int(segment.range.last.rawValue)
          covered.formUnion(PageModel.indices(segment.range))
        case .treePage(let found):
          #expect(Int(found.page.rawValue) > last)
          last = Int(found.page.rawValue)
        case .notMine, .corrupt: Issue.record("seed \(seed): \(answer)")
        }
      }
      let claimed = PageModel.indices(range).filter {
        !pair.model.claims[$0].isEmpty && pair.model.claims[$0][.tree] == nil
      }
      #expect(covered.intersection(PageModel.indices(range)) == Set(claimed))
    }
    for number in 0..<400 {
      var claims: [RegionID: AlertActions] = [:]
      #expect(tree.forEachClaim(on: page(UInt64(number))) { claims[$0.region] = $0.actions })
      #expect(claims == (pair.model.isTree(pages(UInt64(number), 1)) ? [:] : pair.model.claims[number]))
    }
  }

  @Test("after a bulk build of overlapping mappings", arguments: 0..<4, 1...6)
  func bulkBuild(shape: Int, seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed) << 8 | UInt64(shape))
    let slab = pages(500, 400)
    var pair = try Pair(Self.shapes[shape], pages: 2000, slab: slab)
    for _ in 0..<50 { try pair.change(&random) }
    var model = PageModel(pages: 2000)
    for index in pair.model.claims.indices where pair.model.claims[index][.tree] != nil {
      model.claims[index] = pair.model.claims[index]
    }
    var mappings: [Mapping] = []
    for _ in 0..<120 {
      let range = pages(UInt64.random(in: 0..<1980, using: &random), UInt64.random(in: 1...20, using: &random))
      guard !model.isTree(range) else { continue }
      let actions = AlertActions(rawValue: UInt16.random(in: 1...7, using: &random))
      let mapping = Mapping(range, actions: actions, region: RegionID(UInt16.random(in: 1...4, using: &random)))
      mappings.append(mapping)
      model.insert(range, mapping.actions, mapping.region)
    }
    mappings.sort { $0.range.first < $1.range.first }
    var store = pair.guest.store
    let change = try pair.writer.build(from: mappings, through: &store)
    #expect(change.pages == UInt64(model.monitored))
    let disagreement = pair.guest.disagreement(with: model)
    #expect(disagreement == nil, "shape \(shape) seed \(seed): \(disagreement ?? "")")
    #expect(pair.guest.tree.check() == [])
    // A built tree has as few leaves as its segments allow: compacting cannot make it smaller.
    let nodes = pair.writer.counters.nodes
    try pair.writer.compact(through: &store)
    #expect(pair.writer.counters.nodes == nodes)
  }
}
