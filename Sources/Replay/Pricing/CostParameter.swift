/// The costs a cycle profile states. Every price is a linear form of these.
///
/// Those of the processor come first, then those of the hypervisor's software: see ``half``.
public enum CostParameter: String, CaseIterable, Codable, Sendable {
  /// An EPT entry read from the first-level data cache.
  case l1Reference = "l1_reference"
  /// An EPT entry read from the second-level cache.
  case l2Reference = "l2_reference"
  /// An EPT entry read from the last-level cache.
  case l3Reference = "l3_reference"
  /// An EPT entry read from memory.
  case dramReference = "dram_reference"
  /// Extra cycles of a translation served by the second-level TLB.
  case stlbHit = "stlb_hit"
  /// The silicon's share of a round trip: VM exit and VM entry.
  case siliconExitEntry = "silicon_exit_entry"
  /// VMFUNC leaf 0.
  case vmfuncSwitch = "vmfunc_switch"
  /// VMWRITE of the EPTP field by the hypervisor.
  case eptpWrite = "eptp_write"
  /// One EPT entry written by the hypervisor.
  case entryEdit = "entry_edit"
  /// INVEPT, single context; the refill is counted, not priced here.
  case inveptSingle = "invept_single"
  /// INVEPT, all contexts.
  case inveptAll = "invept_all"
  /// #VE delivery and IRET.
  case veDelivery = "ve_delivery"
  /// One page logged by page-modification logging.
  case pmlLog = "pml_log"
  /// One sub-page permission look-up.
  case sppLookup = "spp_lookup"
  /// A walk that refills one entry of a second-level TLB that was full of the guest's loads and fetches: no recording
  /// holds those, so it is priced only where INVEPT is taken to have emptied a full one.
  case refillWalk = "refill_walk"
  /// Flushing the first-level data cache on the way into the guest, where L1TF is mitigated.
  case l1dFlush = "l1d_flush"

  /// VMCALL round trip through the hypervisor, software included.
  case vmcallRoundTrip = "vmcall_round_trip"
  /// What handling an EPT violation costs beyond a VMCALL round trip, with nothing emulated.
  case violationDispatch = "violation_dispatch"
  /// What an EPT violation whose store is emulated costs beyond a VMCALL round trip: published figures tell dispatch
  /// and emulation only together.
  case dispatchAndEmulation = "dispatch_and_emulation"
  /// What changing the EPTP costs in software, beyond the VMWRITE.
  case eptpChange = "eptp_change"
  /// Interrupting one other vCPU for an INVEPT, its exit included.
  case shootdown = "shootdown"
  /// One node of the monitor tree visited.
  case treeNode = "tree_node"
  /// Recording one alert.
  case alertRecord = "alert_record"
  /// Draining a page-modification log, per entry, by the hypervisor.
  case pmlDrainEntry = "pml_drain_entry"
  /// The alert action `count`.
  case actionCount = "action_count"
  /// The alert action `log`.
  case actionLog = "action_log"
  /// The alert action `notify`, without the consumer's own time.
  case actionNotify = "action_notify"
  /// The alert action `blockWrite`.
  case actionBlock = "action_block"
  /// The alert action `inject`.
  case actionInject = "action_inject"
  /// The alert action `networkIsolate`.
  case actionIsolate = "action_isolate"
  /// The alert action `suspend`.
  case actionSuspend = "action_suspend"
  /// The alert action `snapshotThenSuspend`.
  case actionSnapshot = "action_snapshot"
  /// The alert action `powerOff`.
  case actionPowerOff = "action_power_off"
  /// From an event in the ring until a tool outside the hypervisor has answered and the vCPU may go on.
  case outsideAnswer = "outside_answer"
}

extension CostParameter {
  /// Whose cost it is.
  public enum Half: String, CaseIterable, Sendable {
    /// The silicon's.
    case processor
    /// The software's.
    case hypervisor
  }

  /// Which half of a profile states the cost.
  public var half: Half { index < CostParameter.vmcallRoundTrip.index ? .processor : .hypervisor }

  /// The costs of one half, in order.
  public static func all(of half: Half) -> [CostParameter] { allCases.filter { $0.half == half } }
}
