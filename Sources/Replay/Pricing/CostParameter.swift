/// The costs a cycle profile states. Every price is a linear form of these.
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
  /// VMCALL round trip through the hypervisor, software included.
  case vmcallRoundTrip = "vmcall_round_trip"
  /// The silicon's share of a round trip: VM exit and VM entry.
  case siliconExitEntry = "silicon_exit_entry"
  /// What handling an EPT violation costs beyond a VMCALL round trip.
  case violationDispatch = "violation_dispatch"
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
  /// Interrupting one other vCPU for an INVEPT, its exit included.
  case shootdown = "shootdown"
  /// #VE delivery and IRET.
  case veDelivery = "ve_delivery"
  /// Emulating one store in the hypervisor.
  case emulateStore = "emulate_store"
  /// One node of the monitor tree visited.
  case treeNode = "tree_node"
  /// Recording one alert.
  case alertRecord = "alert_record"
  /// One page logged by page-modification logging.
  case pmlLog = "pml_log"
  /// Draining a page-modification log, per entry, by the hypervisor.
  case pmlDrainEntry = "pml_drain_entry"
  /// One sub-page permission look-up.
  case sppLookup = "spp_lookup"
}
