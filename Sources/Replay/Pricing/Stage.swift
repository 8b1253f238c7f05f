/// The stages of a notification, from the store's issue to the guest's next instruction.
public enum Stage: String, CaseIterable, Sendable {
  /// The walk that ends in the violation.
  case walk
  /// From the violation to the handler's first instruction.
  case exit
  /// From the handler's first instruction to the question to the tree.
  case dispatch
  /// The walk of the monitor tree.
  case lookup
  /// From the tree's answer to the alert delivered.
  case alert
  /// What the region's actions cost beside the alert.
  case act
  /// A tool outside the hypervisor is asked, and answers.
  case answer
  /// Completing the store.
  case complete
  /// Back into the guest.
  case entry

  /// The stages that make the notification latency; all of them together make the guest's stall.
  public static let latency: [Stage] = [.walk, .exit, .dispatch, .lookup, .alert]
}

extension NotificationShape {
  /// What the notification adds to a replay's counts, stage by stage: overhead and latency are priced by one list.
  ///
  /// An exit is one event and three stages, see ``price(of:)``; it is listed under ``Stage/exit`` here.
  func events(of stage: Stage) -> [(event: Event, count: UInt64)] {
    switch stage {
    case .walk:
      [
        (.walkReferencesL1, UInt64(walkReferences[0])), (.walkReferencesL2, UInt64(walkReferences[1])),
        (.walkReferencesL3, UInt64(walkReferences[2])), (.walkReferencesDRAM, UInt64(walkReferences[3])),
      ]
    case .exit:
      switch delivery {
      case .exit: [(.violationExits, 1)]
      case .virtualizationException: [(.virtualizationExceptions, 1)]
      case .drainedLog: [(.pmlEntries, 1)]
      case .completion: []
      }
    case .dispatch:
      (delivery == .drainedLog ? [(.pmlDrains, 1)] : []) + asking.events.filter { $0.event != .outsideAnswers }
    case .lookup: [(.treeNodesVisited, UInt64(treeNodes))]
    case .alert: isAlert ? [(.alerts, 1)] : []
    case .act: PricedActions.events(of: actions)
    case .answer: isAnsweredOutside ? [(.outsideAnswers, UInt64(asking[.outsideAnswer]))] : []
    case .complete: completion.events
    case .entry: []
    }
  }

  /// What the notification adds to a replay's counts.
  var events: EventCounts {
    var counts = EventCounts()
    for stage in Stage.allCases { for (event, count) in events(of: stage) { counts[event] += count } }
    return counts
  }

  /// The price of one stage, from the one price list.
  ///
  /// Half of a round trip's silicon and half of its software are spent on the way out, half on the way in: published
  /// figures give round trips only.
  public func price(of stage: Stage) -> LinearForm {
    switch (stage, delivery) {
    case (.exit, .exit): return Self.wayOut
    case (.dispatch, .exit):
      var form = priceOfEvents(of: stage)
      form.add(PriceList.price(of: .violationExits) - Self.wayOut - Self.wayIn, times: 1)
      return form
    case (.entry, .exit): return Self.wayIn
    case (.exit, .virtualizationException), (.entry, .virtualizationException):
      var half = LinearForm()
      half.add(PriceList.price(of: .virtualizationExceptions), times: 0.5)
      return half
    default: return priceOfEvents(of: stage)
    }
  }

  private func priceOfEvents(of stage: Stage) -> LinearForm {
    events(of: stage).reduce(into: LinearForm()) { form, item in
      form.add(PriceList.price(of: item.event), times: Double(item.count))
    }
  }

  /// The silicon's half of an exit.
  private static var wayOut: LinearForm {
    var form = LinearForm()
    form[.siliconExitEntry] = 0.5
    return form
  }

  /// The second half of a round trip.
  private static var wayIn: LinearForm {
    var form = LinearForm()
    form[.vmcallRoundTrip] = 0.5
    return form
  }

  /// Whether a tool outside the hypervisor was asked.
  var isAnsweredOutside: Bool { asking[.outsideAnswer] > 0 }

  /// The price from the store's issue to the alert in the ring. A tool outside the hypervisor looks up only what it has got
  /// out of the ring.
  public var latencyPrice: LinearForm {
    price(of: isAnsweredOutside ? Stage.latency.filter { $0 != .lookup } : Stage.latency)
  }

  /// The price of everything the storing instruction waits for.
  public var stallPrice: LinearForm { price(of: Stage.allCases) }

  private func price(of stages: [Stage]) -> LinearForm {
    stages.reduce(into: LinearForm()) { $0.add(price(of: $1), times: 1) }
  }
}
