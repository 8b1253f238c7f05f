import SeededRandom
import Addresses
import EPT
import Testing

@testable import GuestIntegrity
@testable import MonitorTree

@Suite("The tree in guest memory: requirements R20 to R32")
struct TreeRequirements {
  let textWord = GuestPhysicalAddress(Fixture.text.first.address.rawValue + 0x40)

  /// A machine whose tree has several levels: every other page of a long run is protected, with changing actions.
  static func withDeepTree(seed: UInt64) throws -> Fixture {
    let fixture = try Fixture.armed()
    var random = SplitMix64(seed: seed)
    try fixture.inIntegrityMode {
      for index in 0..<600 {
        let page = 0x2000 + UInt64(index) * 2 + random.below(2)
        let actions = AlertActions(rawValue: UInt16(1 + random.below(7)))
        try #require(
          fixture.protect(Fixture.pages(page, 1), actions, region: 2 + random.below(5)) == .success, "seed \(seed)")
      }
    }
    return fixture
  }

  @Test("R20 a node is one page: no two references lead to the same page, and a node never leaves it", .requirement(20))
  func oneNodeAPage() throws {
    let fixture = try Self.withDeepTree(seed: 20)
    let counters = fixture.hypervisor.writer.counters
    #expect(counters.depth > 1)
    // Donated pages are nodes, or free, or waiting: each counted once makes the whole slab.
    #expect(UInt64(counters.nodes + counters.freePages + counters.retiredPages) == counters.slabPages)
    #expect(counters.slabPages == Fixture.nodes.count)
  }

  @Test("R21 leaves hold the mappings: what was protected is found again, with its actions", .requirement(21))
  func leavesHoldMappings() throws {
    let fixture = try Fixture.armed()
    let claims: [(PageRange, AlertActions, UInt16)] = [
      (Fixture.pages(0x2000, 5), [.count], 3), (Fixture.pages(0x2100, 1), [.log, .suspend], 4),
      (Fixture.pages(0x2200, 900), [.notify], 5),
    ]
    fixture.inIntegrityMode {
      for (range, actions, region) in claims {
        #expect(fixture.protect(range, actions, region: UInt64(region)) == .success)
      }
    }
    for (range, actions, region) in claims {
      for page in range.all {
        guard case .protected(let segment) = fixture.hypervisor.tree.find(page).answer else {
          Issue.record("page \(page) is not found")
          continue
        }
        #expect(segment.actions == actions)
        #expect(segment.region == RegionID(region))
      }
    }
  }

  @Test("R22 every node page, used or free, is traced and refused in the normal set", .requirement(22))
  func nodePagesAreTraced() throws {
    let fixture = try Self.withDeepTree(seed: 22)
    for page in Fixture.nodes.all {
      #expect(fixture.hypervisor.monitor.tracing.clients(of: page).contains(.ownPages))
      guard case .violation = fixture.walk(page.address, .dataWrite, in: .normal) else {
        Issue.record("node page \(page) can be written")
        continue
      }
    }
  }

  @Test("R23 the walk starts at the base pointer: with another base another tree is seen", .requirement(23))
  func startsAtBasePointer() throws {
    let fixture = try Fixture.armed()
    let page = GuestPageNumber(0x2000)
    let old = fixture.hypervisor.base.reference
    fixture.inIntegrityMode { #expect(fixture.protect(Fixture.pages(0x2000, 1)) == .success) }
    let new = fixture.hypervisor.base.reference
    fixture.hypervisor.base.publish(old)
    #expect(fixture.hypervisor.tree.find(page).answer == .notMine)
    fixture.hypervisor.base.publish(new)
    #expect(fixture.hypervisor.tree.find(page).answer != .notMine)
  }

  @Test("R24 a write to any node of any tree is an alert of kind tree", .requirement(24), arguments: [1, 2, 3])
  func everyNode(seed: UInt64) throws {
    let fixture = try Self.withDeepTree(seed: seed)
    try #require(fixture.hypervisor.writer.counters.nodes > 3)
    for page in Fixture.nodes.all {
      let offset = seed * 8 % 4096
      let verdict = fixture.write(page: page, offset: offset)
      guard case .alert(.tree, _, _)? = verdict?.finding else {
        Issue.record("seed \(seed): a write to node page \(page) gives \(String(describing: verdict))")
        continue
      }
      #expect(verdict?.isCompleted == false)
    }
  }

  @Test(
    "R25 the first, a middle and the last page of a range raise alerts, the pages just outside do not",
    .requirement(25), arguments: Mechanism.switchings)
  func rangeBounds(switching: any Switching) throws {
    let fixture = try Fixture.armed(switching)
    let (first, last) = (Fixture.text.first, Fixture.text.last)
    for page in [first, first + 1, first + 511, first + 512, last - 1, last] {
      #expect(fixture.write(page: page)?.isAlert == true, "\(page)")
    }
    for page in [first - 1, last + 1] { #expect(fixture.write(page: page) == nil, "\(page)") }
  }

  @Test("R26 a page that another client traces is no alert, and the client learns of the write", .requirement(26))
  func otherClients() throws {
    let fixture = try Fixture.armed()
    let log = try #require(fixture.hypervisor.addTraceClient())
    let page = GuestPageNumber(0x3000)
    try fixture.hypervisor.trace(PageRange(page: page), for: log, on: 0)
    let verdict = try #require(fixture.write(page: page))
    #expect(verdict.finding == .notMine)
    #expect(verdict.otherClients == log.set)
    #expect(verdict.isCompleted)
    #expect(fixture.events.isEmpty)
    // Two traces of two clients: the page stays traced until the last of them is dropped.
    try fixture.hypervisor.trace(PageRange(page: page), for: log, on: 0)
    fixture.inIntegrityMode { #expect(fixture.protect(PageRange(page: page)) == .success) }
    fixture.inIntegrityMode { #expect(fixture.unprotect(PageRange(page: page)) == .success) }
    try fixture.hypervisor.untrace(PageRange(page: page), for: log, on: 0)
    #expect(fixture.write(page: page)?.finding == .notMine)
    try fixture.hypervisor.untrace(PageRange(page: page), for: log, on: 0)
    #expect(fixture.write(page: page) == nil)
  }

  @Test(
    "R27 base pointer and table pages are mapped by neither root, and no call returns the base", .requirement(27),
    arguments: Mechanism.switchings)
  func basePointerOutOfReach(switching: any Switching) throws {
    let fixture = try Fixture.armed(switching)
    for set in TableSet.allCases {
      // Every 4 KiB of what an address can name above guest memory, and the far ends.
      for page in [Fixture.ramPages, Fixture.ramPages + 1, Fixture.ramPages * 2, 1 << 27, 1 << 35, 1 << 36, 1 << 40] {
        let outcome = fixture.walk(GuestPageNumber(page).address, .dataRead, in: set)
        guard case .violation = outcome else {
          Issue.record("page \(page) is mapped: \(outcome)")
          continue
        }
      }
      for page in 0..<Fixture.ramPages {
        let view = try #require(PageView(GuestPageNumber(page), in: set, of: fixture))
        #expect(view.frame < Fixture.ramPages, "page \(page)")
      }
    }
    let secrets = [fixture.hypervisor.base.reference.rawValue, fixture.hypervisor.base.reference.rawValue >> 12]
    for page in 0..<Fixture.ramPages {
      #expect(!secrets.contains(UInt64(bitPattern: fixture.call(.query, page).rawValue)))
    }
    for number in 0..<UInt64(64) {
      #expect(!secrets.contains(UInt64(bitPattern: fixture.call(.query, number | 1 << 63).rawValue)))
    }
  }

  @Test(
    "R28 protection outside guest memory is refused, and nothing changes", .requirement(28),
    arguments: [
      (Fixture.ramPages, 1), (Fixture.ramPages - 1, 2), (1 << 40, 1), ((1 << 52) - 1, 1), (0x2000, 1 << 52),
    ] as [(UInt64, UInt64)])
  func outsideGuestMemory(first: UInt64, count: UInt64) throws {
    let fixture = try Fixture.armed()
    fixture.enter()
    let before = fixture.hypervisor.snapshot()
    let result = fixture.call(.protect, first, count, 1, 5)
    #expect(result.error == .outsideGuestMemory || result.error == .invalidRange)
    var after = fixture.hypervisor.snapshot()
    after.counters = before.counters
    #expect(after == before)
  }

  @Test(
    "R29 five distinct actions, of base, interior, leaf and two mappings, give five distinct results", .requirement(29))
  func fiveActions() throws {
    let fixture = try Fixture {
      $0.nodeActions = TreeWriter.NodeActions(
        base: [.blockWrite, .count], interior: [.blockWrite, .log], leaf: [.blockWrite, .notify])
    }
    // Nodes of eight entries, so that a small tree has a level between base and leaves.
    fixture.hypervisor.writer = try TreeWriter(
      memory: fixture.hypervisor.monitor.memory, base: fixture.hypervisor.base,
      nodeActions: fixture.hypervisor.configuration.nodeActions,
      shape: NodeShape(entriesPerBlock: 4, blocksPerLeaf: 2, children: 4))
    try fixture.arm()
    fixture.inIntegrityMode {
      for index in UInt64(0)..<60 {
        #expect(fixture.protect(Fixture.pages(0x2000 + index * 2, 1), [.networkIsolate], region: 2) == .success)
      }
    }
    try #require(fixture.hypervisor.writer.counters.depth >= 3)
    var seen: [TreePage.Role: AlertActions] = [:]
    for page in Fixture.nodes.all {
      guard case .treePage(let node) = fixture.hypervisor.tree.find(page).answer else { continue }
      guard case .alert(.tree, _, let actions)? = fixture.write(page: page)?.finding else { continue }
      seen[node.role] = actions
    }
    #expect(seen[.base] == [.blockWrite, .count])
    #expect(seen[.interior] == [.blockWrite, .log])
    #expect(seen[.leaf] == [.blockWrite, .notify])
    #expect(fixture.write(textWord)?.finding == .alert(.protected, region: RegionID(1), actions: [.count, .log]))
    let isolating = fixture.write(page: GuestPageNumber(0x2000))
    #expect(isolating?.effect == .isolated)
  }

  @Test(
    "R30 a node that claims it is not protected is reported as a tree page, and its content never read",
    .requirement(30))
  func identityBeforeContent() throws {
    let fixture = try Fixture.armed()
    let base = fixture.hypervisor.base.reference.pageNumber
    // All zero, the base node says nothing about anything, itself included.
    for word in 0..<512 {
      fixture.hypervisor.memory.store(0, at: HostPhysicalAddress(base.address.rawValue).qword(word))
    }
    let finding = fixture.hypervisor.tree.find(base)
    guard case .treePage(let page) = finding.answer else {
      Issue.record("\(finding)")
      return
    }
    #expect(page.role == .base)
    #expect(finding.nodesVisited == 0)
    guard case .alert(.tree, _, _)? = fixture.write(page: base)?.finding else {
      Issue.record("a write to the tampered base is no alert of kind tree")
      return
    }
  }

  @Test(
    "R31 both kinds of alert come through the tracing service: without the trace there is no violation",
    .requirement(31))
  func throughTracing() throws {
    let fixture = try Fixture.armed()
    let node = Fixture.nodes.first
    #expect(fixture.write(page: Fixture.text.first)?.isAlert == true)
    #expect(fixture.write(page: node)?.isAlert == true)
    try fixture.hypervisor.trace(.drop(.protection), Fixture.text, on: 0)
    try fixture.hypervisor.trace(.drop(.ownPages), PageRange(page: node), on: 0)
    #expect(fixture.write(page: Fixture.text.first) == nil)
    #expect(fixture.write(page: node, offset: 4080) == nil)
  }

  @Test("R32 erasing a mapping from the tree is itself an alert, and does not erase it", .requirement(32))
  func erasingMappings() throws {
    let fixture = try Fixture.armed()
    let base = fixture.hypervisor.base.reference.pageNumber
    let before = fixture.hypervisor.tree.find(Fixture.text.first)
    for offset in stride(from: UInt64(0), to: 4096, by: 8) {
      #expect(fixture.write(page: base, offset: offset, value: 0)?.isCompleted == false)
    }
    #expect(fixture.hypervisor.tree.find(Fixture.text.first) == before)
    #expect(fixture.events.allSatisfy { $0.cause == .treePage })
  }
}

extension PageRange {
  var all: [GuestPageNumber] { (first.rawValue...last.rawValue).map { GuestPageNumber($0) } }
}
