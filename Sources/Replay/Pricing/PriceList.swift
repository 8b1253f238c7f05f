/// What each ``Event`` costs, in terms of ``CostParameter``: the one place where counts become prices.
public enum PriceList {
  /// The price of one occurrence of an event; the empty form for events that only explain.
  public static func price(of event: Event) -> LinearForm {
    var form = LinearForm()
    switch event {
    // See ``Event/unpricedBecause``.
    case .writes, .runs, .l1TLBHits, .walks, .pagingStructureCacheHits, .translationsInvalidated, .treeStores,
      .guestReferences, .guestFlagUpdates, .walkerUpdates, .cr3Loads, .translationsFlushed, .unmappedWalks:
      break
    case .stlbHits: form[.stlbHit] = 1
    case .walkReferencesL1: form[.l1Reference] = 1
    case .walkReferencesL2: form[.l2Reference] = 1
    case .walkReferencesL3: form[.l3Reference] = 1
    case .walkReferencesDRAM: form[.dramReference] = 1
    case .violationExits:
      form[.vmcallRoundTrip] = 1
      form[.violationDispatch] = 1
    case .virtualizationExceptions: form[.veDelivery] = 1
    case .hypercallExits, .pmlFullExits: form[.vmcallRoundTrip] = 1
    case .vmfuncSwitches: form[.vmfuncSwitch] = 1
    case .eptpWrites:
      form[.eptpWrite] = 1
      form[.eptpChange] = 1
    case .entryEdits: form[.entryEdit] = 1
    case .inveptSingle: form[.inveptSingle] = 1
    case .inveptAll: form[.inveptAll] = 1
    case .shootdowns: form[.shootdown] = 1
    case .emulatedStores:
      // Behind a violation, whose dispatch is priced there; published figures tell both together only.
      form[.dispatchAndEmulation] = 1
      form[.violationDispatch] = -1
    case .singleSteps: form[.vmcallRoundTrip] = 1
    case .treeNodesVisited: form[.treeNode] = 1
    case .alerts: form[.alertRecord] = 1
    case .pmlEntries: form[.pmlLog] = 1
    case .pmlDrains: form[.pmlDrainEntry] = 1
    case .sppLookups: form[.sppLookup] = 1
    case .outsideAnswers: form[.outsideAnswer] = 1
    case .countActions: form[.actionCount] = 1
    case .logActions: form[.actionLog] = 1
    case .notifyActions: form[.actionNotify] = 1
    case .blockActions: form[.actionBlock] = 1
    case .injectActions: form[.actionInject] = 1
    case .isolateActions: form[.actionIsolate] = 1
    }
    return form
  }

  /// The price of a whole tally.
  public static func price(of counts: EventCounts) -> LinearForm {
    var form = LinearForm()
    for event in Event.allCases where counts[event] > 0 {
      form.add(price(of: event), times: Double(counts[event]))
    }
    return form
  }
}

extension Event {
  /// Why an event that is counted has no price of its own; nil for one that has.
  public var unpricedBecause: String? {
    switch self {
    case .writes, .runs, .cr3Loads: "the guest makes it with or without a monitor"
    case .l1TLBHits: "a hit of the first-level TLB takes no cycle beyond the store's own"
    case .walks, .unmappedWalks: "a walk is priced by the entries it reads"
    case .pagingStructureCacheHits: "it is a reference that was not made"
    case .translationsInvalidated, .translationsFlushed: "what is lost is priced where it is walked for again"
    case .treeStores:
      "the driver's stores into its tree cost what any store costs; those refused are priced as exits, look-ups and "
        + "emulated stores"
    case .guestReferences: "they are among the entries read by cache level"
    case .guestFlagUpdates: "the walker sets them with or without a monitor"
    case .walkerUpdates: "they are among the alerts, exits and emulated stores"
    default: nil
    }
  }
}
