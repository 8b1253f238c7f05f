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
  /// Completing the store.
  case complete
  /// Back into the guest.
  case entry

  /// The stages that make the notification latency; all of them together make the guest's stall.
  public static let latency: [Stage] = [.walk, .exit, .dispatch, .lookup, .alert]
}

extension NotificationShape {
  /// The price of one stage.
  ///
  /// Half of a round trip's silicon and half of its software are spent on the way out, half on the way in: published
  /// figures give round trips only.
  public func price(of stage: Stage) -> LinearForm {
    var form = LinearForm()
    switch stage {
    case .walk:
      form[.l1Reference] = Double(walkReferences[0])
      form[.l2Reference] = Double(walkReferences[1])
      form[.l3Reference] = Double(walkReferences[2])
      form[.dramReference] = Double(walkReferences[3])
    case .exit:
      switch delivery {
      case .exit: form[.siliconExitEntry] = 0.5
      case .virtualizationException: form[.veDelivery] = 0.5
      case .drainedLog: form[.pmlLog] = 1
      }
    case .dispatch:
      switch delivery {
      case .exit:
        form[.vmcallRoundTrip] = 0.5
        form[.siliconExitEntry] = -0.5
        form[.violationDispatch] = 1
      case .virtualizationException: break
      case .drainedLog: form[.pmlDrainEntry] = 1
      }
    case .lookup: form[.treeNode] = Double(treeNodes)
    case .alert: form[.alertRecord] = 1
    case .complete:
      switch completion {
      case .emulated: form[.emulateStore] = 1
      case .singleStepped:
        form[.vmcallRoundTrip] = 1
        form[.entryEdit] = 2
      case .viewSwitched: form[.vmfuncSwitch] = 2
      case .blocked, .alreadyDone: break
      }
    case .entry:
      switch delivery {
      case .exit: form[.vmcallRoundTrip] = 0.5
      case .virtualizationException: form[.veDelivery] = 0.5
      case .drainedLog: break
      }
    }
    return form
  }

  /// The price from the store's issue to the alert delivered.
  public var latencyPrice: LinearForm { price(of: Stage.latency) }

  /// The price of everything the storing instruction waits for.
  public var stallPrice: LinearForm { price(of: Stage.allCases) }

  private func price(of stages: [Stage]) -> LinearForm {
    stages.reduce(into: LinearForm()) { $0.add(price(of: $1), times: 1) }
  }
}
