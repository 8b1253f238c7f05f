/// What a replay counts: everything that costs an Intel guest cycles, and nothing that depends on this host.
///
/// A replay counts, a profile prices (``PriceList``): cycles are a linear form of these counts, so one replay is priced at
/// the low, middle and high value of every parameter.
public enum Event: Int, CaseIterable, Sendable {
  /// Stores that left the guest's processor, as the recording counts them.
  case writes
  /// Page runs: maximal stretches of stores of one vCPU to one page.
  case runs
  /// Translations served by the first-level store TLB.
  case l1TLBHits
  /// Translations served by the unified second-level TLB.
  case stlbHits
  /// Translations that needed a walk.
  case walks
  /// Paging-structure entries read by walks and found in the first-level data cache.
  case walkReferencesL1
  /// Paging-structure entries read by walks and found in the second-level cache.
  case walkReferencesL2
  /// Paging-structure entries read by walks and found in the last-level cache.
  case walkReferencesL3
  /// Paging-structure entries read by walks and fetched from memory.
  case walkReferencesDRAM
  /// Paging-structure entries a walk did not read, since a paging-structure cache held them.
  case pagingStructureCacheHits
  /// EPT violations that exited to the hypervisor (exit reason 48).
  case violationExits
  /// EPT violations delivered to the guest as #VE.
  case virtualizationExceptions
  /// Hypercalls that exited to the hypervisor (exit reason 18).
  case hypercallExits
  /// EPTP switches by VMFUNC leaf 0, without an exit.
  case vmfuncSwitches
  /// EPTP switches by the hypervisor writing the VMCS field.
  case eptpWrites
  /// EPT entries written by the hypervisor.
  case entryEdits
  /// INVEPT, single context.
  case inveptSingle
  /// INVEPT, all contexts.
  case inveptAll
  /// Other vCPUs interrupted so that they execute an INVEPT of their own.
  case shootdowns
  /// Cached translations lost to INVEPT; the refill shows in the misses, this only says why.
  case translationsInvalidated
  /// Stores the hypervisor completed by emulation.
  case emulatedStores
  /// Stores completed by opening the page and stepping one instruction (monitor trap flag exits).
  case singleSteps
  /// Nodes of the monitor tree visited by look-ups.
  case treeNodesVisited
  /// Alerts delivered.
  case alerts
  /// Pages logged by page-modification logging.
  case pmlEntries
  /// Page-modification log full exits (exit reason 62).
  case pmlFullExits
  /// Entries of page-modification logs that the hypervisor has drained.
  case pmlDrains
  /// Sub-page permission look-ups.
  case sppLookups
  /// Stores the GI driver made into tree nodes through its own translations.
  case treeStores
  /// Answers that an outside tool gave to refused stores, while their vCPUs waited.
  case outsideAnswers
  /// Alerts whose region asks for the action `count`.
  case countActions
  /// Alerts whose region asks for the action `log`.
  case logActions
  /// Alerts whose region asks for the action `notify`.
  case notifyActions
  /// Alerts whose region asks for the action `blockWrite`, and whose store was not late for it.
  case blockActions
  /// Alerts whose region asks for the action `inject`, and whose store was not late for it.
  case injectActions
  /// Alerts whose region asks for the action `networkIsolate`.
  case isolateActions
  /// Guest paging-structure entries among the entries that walks read. This and what follows only in two dimensions.
  case guestReferences
  /// Accessed and dirty flags set in guest paging-structure entries by walks, or for them.
  case guestFlagUpdates
  /// Of such updates, those that an alert was raised about.
  case walkerUpdates
  /// CR3 loads.
  case cr3Loads
  /// Cached translations lost to CR3 loads and INVLPG.
  case translationsFlushed
  /// Walks made in one dimension, since the recording holds no mapping that leads to the page.
  case unmappedWalks

  /// Whether only a replay in two dimensions counts it.
  public var needsTwoDimensions: Bool { rawValue >= Self.guestReferences.rawValue }

  /// The event's name in JSON and CSV: snake case, stable.
  public var name: String {
    switch self {
    case .writes: "writes"
    case .runs: "runs"
    case .l1TLBHits: "l1_tlb_hits"
    case .stlbHits: "stlb_hits"
    case .walks: "walks"
    case .walkReferencesL1: "walk_references_l1"
    case .walkReferencesL2: "walk_references_l2"
    case .walkReferencesL3: "walk_references_l3"
    case .walkReferencesDRAM: "walk_references_dram"
    case .pagingStructureCacheHits: "paging_structure_cache_hits"
    case .violationExits: "violation_exits"
    case .virtualizationExceptions: "virtualization_exceptions"
    case .hypercallExits: "hypercall_exits"
    case .vmfuncSwitches: "vmfunc_switches"
    case .eptpWrites: "eptp_writes"
    case .entryEdits: "entry_edits"
    case .inveptSingle: "invept_single"
    case .inveptAll: "invept_all"
    case .shootdowns: "shootdowns"
    case .translationsInvalidated: "translations_invalidated"
    case .emulatedStores: "emulated_stores"
    case .singleSteps: "single_steps"
    case .treeNodesVisited: "tree_nodes_visited"
    case .alerts: "alerts"
    case .pmlEntries: "pml_entries"
    case .pmlFullExits: "pml_full_exits"
    case .pmlDrains: "pml_drains"
    case .sppLookups: "spp_lookups"
    case .treeStores: "tree_stores"
    case .outsideAnswers: "outside_answers"
    case .countActions: "count_actions"
    case .logActions: "log_actions"
    case .notifyActions: "notify_actions"
    case .blockActions: "block_actions"
    case .injectActions: "inject_actions"
    case .isolateActions: "isolate_actions"
    case .guestReferences: "guest_references"
    case .guestFlagUpdates: "guest_flag_updates"
    case .walkerUpdates: "walker_updates"
    case .cr3Loads: "cr3_loads"
    case .translationsFlushed: "translations_flushed"
    case .unmappedWalks: "unmapped_walks"
    }
  }
}
