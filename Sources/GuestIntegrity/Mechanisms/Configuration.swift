import MonitorTree

/// What a hypervisor is set up to do: choices of its owner, none of them the guest's.
public struct Configuration: Hashable, Sendable {
  /// How integrity mode changes what may be written, how writes are noticed, and how they are completed.
  public var mechanism: Mechanism
  /// What the integrity set lets be executed.
  public var integrityExecution: IntegrityExecution
  /// Under ``EPTPByVMFUNC``: whether GI_ENTER is a hypercall, with every check, and only GI_EXIT is VMFUNC.
  public var checksEntry: Bool
  /// What is done about writes to GI code and GI data.
  public var ownPageActions: AlertActions
  /// What is done about writes to nodes of the tree, by their place.
  public var nodeActions: TreeWriter.NodeActions
  /// What is done about writes to donated pages off the search path of their own numbers.
  public var slabActions: AlertActions
  /// What is done when the tree is found changed.
  public var corruptionActions: AlertActions
  /// What is done about refused hypercalls and refused entries.
  public var hypercallActions: AlertActions
  /// What is done when integrity mode ends abnormally.
  public var faultActions: AlertActions
  /// What is done when a monitored page is to be unmapped or moved.
  public var mappingActions: AlertActions
  /// What is done when the driver does not enter integrity mode for too long.
  public var silenceActions: AlertActions
  /// How long integrity mode may last, on the caller's clock; nil for any time.
  public var integrityBudget: UInt64?
  /// How long the driver may stay away, on the caller's clock; nil for any time.
  public var silenceLimit: UInt64?
  /// Whether GI_SHUTDOWN is allowed.
  public var allowsShutdown: Bool
  /// How many events each vCPU's ring holds.
  public var ringCapacity: Int
  /// The bytes that regions protect, where that is less than whole pages: guest-physical, for sub-page permissions. A
  /// page that a region claims and lists no byte of is protected whole.
  public var regionBytes: [RegionID: [Range<UInt64>]]
  /// Regions whose pages are promoted from the start, where the mechanism promotes pages at all.
  public var criticalRegions: Set<RegionID>
  /// Whether the guest is a recording: a verdict says what actions would do to the machine, and it goes on.
  public var guestIsRecorded: Bool
  /// Whether event records tell what a write replaced; needs guest memory to hold what the guest wrote.
  public var recordsOldBytes: Bool

  /// What the design calls for: writes to pages of guest integrity are blocked, everything else is observed.
  public init(_ mechanism: Mechanism) {
    self.mechanism = mechanism
    integrityExecution = .giCodeOnly
    checksEntry = false
    let blocking: AlertActions = [.count, .log, .notify, .blockWrite]
    ownPageActions = blocking
    nodeActions = TreeWriter.NodeActions(blocking)
    slabActions = blocking
    corruptionActions = blocking
    hypercallActions = [.count, .log, .notify]
    faultActions = [.count, .log, .notify]
    mappingActions = [.count, .log, .notify]
    silenceActions = [.count, .log, .notify]
    integrityBudget = nil
    silenceLimit = nil
    allowsShutdown = false
    ringCapacity = 1024
    recordsOldBytes = true
    guestIsRecorded = false
    regionBytes = [:]
    criticalRegions = []
  }

  /// The same, with violations that exit and stores that the hypervisor emulates.
  public init(switching: any Switching) { self.init(Mechanism(switching: switching)) }

  /// How integrity mode changes what may be written.
  public var switching: any Switching { mechanism.switching }
  /// Whether the processor itself refuses to fetch outside GI code in integrity mode.
  var stripsExecution: Bool { switching.usesTwoSets && integrityExecution == .giCodeOnly }
  /// Whether integrity mode is entered by VMFUNC, which nobody examines.
  public var entersByVMFUNC: Bool { switching.isByVMFUNC && !checksEntry }
  /// The table sets that the guest can put in force by VMFUNC.
  var reachableSets: [TableSet] {
    (switching.isByVMFUNC ? [.normal] : []) + (entersByVMFUNC ? [.integrity] : [])
      + (mechanism.completion.openView == .guest ? [.open] : [])
  }
}
