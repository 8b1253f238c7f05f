import GuestIntegrity
import Testing

@testable import Replay

@Suite("The price list")
struct PricingPriceListTests {
  @Test("prices a tally as the sum of its events")
  func tally() {
    var counts = EventCounts()
    var sum = LinearForm()
    for (i, event) in Event.allCases.enumerated() {
      counts[event] = UInt64(i * i)
      sum.add(PriceList.price(of: event), times: Double(i * i))
    }
    #expect(PriceList.price(of: counts) == sum)
    #expect(PriceList.price(of: EventCounts()) == LinearForm())
  }

  @Test("gives no event a price below zero, under any processor and hypervisor", arguments: Event.allCases)
  func neverNegative(event: Event) throws {
    for processor in ProfileLibrary.names {
      for hypervisor in try ProfileLibrary.hypervisors() {
        let profile = try #require(try ProfileLibrary.profile(named: processor)).under(hypervisor)
        #expect(PriceList.price(of: event).priced(by: profile).low >= 0, "\(processor), \(hypervisor.name)")
      }
    }
  }

  @Test(
    "prices no event that only explains others",
    arguments: [
      Event.writes, .runs, .l1TLBHits, .walks, .pagingStructureCacheHits, .translationsInvalidated,
    ])
  func explaining(event: Event) {
    #expect(PriceList.price(of: event) == LinearForm())
  }

  @Test("uses every cost that a profile must state")
  func everyCost() {
    let shapes = [NotificationShape.Delivery.exit, .virtualizationException, .drainedLog].map {
      NotificationShape(
        delivery: $0, completion: Acts(.monitorTrapExit, .eptpWrite, .eptpWrite), walkReferences: [1, 1, 1, 1],
        treeNodes: 1)
    }
    let forms =
      Event.allCases.map(PriceList.price) + shapes.flatMap { shape in Stage.allCases.map { shape.price(of: $0) } }
    // What actions cost, and what a switch of the model adds, no event tells.
    let apart: [CostParameter] = [
      .refillWalk, .l1dFlush, .actionCount, .actionLog, .actionNotify, .actionBlock, .actionInject, .actionIsolate,
      .actionSuspend, .actionSnapshot, .actionPowerOff,
    ]
    for cost in CostParameter.allCases where !apart.contains(cost) {
      #expect(forms.contains { $0[cost] != 0 }, "\(cost.rawValue) prices nothing")
    }
  }

  @Test("names events uniquely, in snake case")
  func names() {
    let names = Event.allCases.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(names.allSatisfy { $0.wholeMatch(of: /[a-z0-9_]+/) != nil })
    var counts = EventCounts()
    counts[.alerts] = 3
    #expect(counts.byName(in: .two)["alerts"] == 3 && counts.byName(in: .two).count == names.count)
  }
}

@Suite("The stages of a notification")
struct PricingStageTests {
  typealias Delivery = NotificationShape.Delivery

  private static let shapes: [NotificationShape] = [.exit, .virtualizationException, .drainedLog, .completion].flatMap {
    delivery in
    [
      Acts(.emulatedStore), Acts(.monitorTrapExit, .eptpWrite, .eptpWrite), Acts(.vmfuncSwitch, .vmfuncSwitch), Acts(),
      Acts(.hypercallExit, .violationExit, .logFullExit),
    ].map {
      NotificationShape(
        delivery: delivery, asking: Acts(.hypercallExit), completion: $0, walkReferences: [3, 2, 1, 4], treeNodes: 5,
        actions: [.count, .notify, .blockWrite])
    }
  }

  @Test("add up to the latency until the alert, and with completion and entry to the guest's stall")
  func addUp() {
    for shape in Self.shapes {
      var latency = LinearForm()
      for stage in [Stage.walk, .exit, .dispatch, .lookup, .alert] { latency.add(shape.price(of: stage), times: 1) }
      #expect(shape.latencyPrice == latency)
      var stall = latency
      for stage in [Stage.act, .answer, .complete, .entry] { stall.add(shape.price(of: stage), times: 1) }
      #expect(shape.stallPrice == stall)
    }
  }

  @Test("a tool outside is asked once the event is in the ring, and looks up only then")
  func askedOutside() {
    var shape = NotificationShape(
      delivery: .exit, asking: Acts(.outsideAnswer), completion: Acts(.emulatedStore), walkReferences: [4, 0, 0, 0],
      treeNodes: 3)
    let asked = (latency: shape.latencyPrice, stall: shape.stallPrice)
    shape.asking = Acts()
    var lookup = LinearForm()
    lookup[.treeNode] = 3
    var answer = LinearForm()
    answer[.outsideAnswer] = 1
    #expect(shape.latencyPrice - asked.latency == lookup && asked.stall - shape.stallPrice == answer)
  }

  @Test("cost what their events cost: the same notification is never priced in two ways")
  func eventsAgree() {
    for shape in Self.shapes {
      var counts = EventCounts()
      counts[.walkReferencesL1] = UInt64(shape.walkReferences[0])
      counts[.walkReferencesL2] = UInt64(shape.walkReferences[1])
      counts[.walkReferencesL3] = UInt64(shape.walkReferences[2])
      counts[.walkReferencesDRAM] = UInt64(shape.walkReferences[3])
      counts[.treeNodesVisited] = UInt64(shape.treeNodes)
      counts[.alerts] = 1
      for event in [Event.countActions, .notifyActions, .blockActions] { counts[event] = 1 }
      switch shape.delivery {
      case .exit: counts[.violationExits] += 1
      case .virtualizationException: counts[.virtualizationExceptions] = 1
      case .completion: break
      case .drainedLog:
        counts[.pmlEntries] = 1
        counts[.pmlDrains] = 1
      }
      counts[.hypercallExits] += 1
      let acts: [(Act, Event)] = [
        (.emulatedStore, .emulatedStores), (.monitorTrapExit, .singleSteps), (.eptpWrite, .eptpWrites),
        (.vmfuncSwitch, .vmfuncSwitches), (.hypercallExit, .hypercallExits), (.violationExit, .violationExits),
        (.logFullExit, .pmlFullExits),
      ]
      for (act, event) in acts { counts[event] += UInt64(shape.completion[act]) }
      #expect(PriceList.price(of: counts) == shape.stallPrice, "\(shape)")
    }
  }

  @Test("are never priced below zero by an embedded profile", arguments: ProfileLibrary.names)
  func neverNegative(name: String) throws {
    let profile = try #require(try ProfileLibrary.profile(named: name))
    for shape in Self.shapes {
      for stage in Stage.allCases {
        #expect(shape.price(of: stage).priced(by: profile).value >= 0, "\(stage) \(shape)")
      }
    }
  }
}
