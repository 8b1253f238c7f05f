/// How integrity mode changes what may be written. It acts where the mode of a vCPU changes.
public protocol Switching: MechanismChoice {
  /// Whether integrity mode has a table set of its own, in which the driver's pages may be written.
  var usesTwoSets: Bool { get }
  /// Whether the driver puts that set in force by VMFUNC leaf 0, without an exit, so that the EPTP in force is the mode.
  var isByVMFUNC: Bool { get }
  /// Makes rights say what a vCPU's new mode asks for, in an exit of that vCPU.
  func apply(_ mode: Mode, on vcpu: Int, of host: some SwitchingHost)
}

/// What a ``Switching`` can have done.
public protocol SwitchingHost {
  /// The modes of all vCPUs, after the change.
  var modes: [Mode] { get }
  /// Writes the EPTP of a set into the VMCS of a vCPU.
  func load(_ set: TableSet, on vcpu: Int)
  /// Lets the driver's own pages be written in the normal set, or not any more; what a vCPU may have cached of that is
  /// invalidated at once.
  func setOwnPages(open: Bool, from vcpu: Int)
}

extension Switching {
  /// The hypervisor switches.
  public var isByVMFUNC: Bool { false }
  /// The set that is active in a mode.
  public func set(in mode: Mode) -> TableSet { usesTwoSets && mode == .integrity ? .integrity : .normal }
}

/// Whether two choices have the same name.
public func == (a: any Switching, b: any Switching) -> Bool { a.name == b.name }
/// Whether two choices have different names.
public func != (a: any Switching, b: any Switching) -> Bool { a.name != b.name }

/// Two table sets; the hypercall exits and the hypervisor writes the EPTP.
public struct EPTPByExit: Switching {
  /// Nothing to choose.
  public init() {}
  /// Its name.
  public var name: String { "eptp-by-exit" }
  /// What it does.
  public var meaning: String { "two table sets; the hypercall exits and the hypervisor writes the EPTP" }
  /// Integrity mode has a set of its own.
  public var usesTwoSets: Bool { true }
  /// Writes the EPTP of the mode's set.
  public func apply(_ mode: Mode, on vcpu: Int, of host: some SwitchingHost) { host.load(set(in: mode), on: vcpu) }
}

/// Two table sets; the driver switches by VMFUNC leaf 0, without an exit.
public struct EPTPByVMFUNC: Switching {
  /// Nothing to choose.
  public init() {}
  /// Its name.
  public var name: String { "eptp-by-vmfunc" }
  /// What it does.
  public var meaning: String { "two table sets; the driver switches by VMFUNC leaf 0, without an exit" }
  /// Integrity mode has a set of its own.
  public var usesTwoSets: Bool { true }
  /// The EPTP in force is the mode.
  public var isByVMFUNC: Bool { true }
  /// Where the hypervisor changes the mode itself, it writes the EPTP.
  public func apply(_ mode: Mode, on vcpu: Int, of host: some SwitchingHost) { host.load(set(in: mode), on: vcpu) }
}

/// One table set; the write bits of GI data and tree pages are set on entry and cleared on exit.
public struct ToggleWriteBits: Switching {
  /// Nothing to choose.
  public init() {}
  /// Its name.
  public var name: String { "toggle-write-bits" }
  /// What it does.
  public var meaning: String {
    "one table set; the write bits of the driver's pages are set on entry and cleared on exit"
  }
  /// Modes share the set.
  public var usesTwoSets: Bool { false }
  /// Open while any vCPU is in integrity mode.
  public func apply(_ mode: Mode, on vcpu: Int, of host: some SwitchingHost) {
    host.setOwnPages(open: host.modes.contains(.integrity), from: vcpu)
  }
}

/// One table set, never changed for a mode; the driver's own stores fault and are filtered by mode.
public struct FilterByMode: Switching {
  /// Nothing to choose.
  public init() {}
  /// Its name.
  public var name: String { "filter-by-mode" }
  /// What it does.
  public var meaning: String { "one table set, never changed; the driver's own stores fault and are filtered by mode" }
  /// Modes share the set.
  public var usesTwoSets: Bool { false }
  /// Nothing.
  public func apply(_ mode: Mode, on vcpu: Int, of host: some SwitchingHost) {}
}

extension Switching where Self == EPTPByExit {
  /// The hypervisor writes the EPTP.
  public static var eptpByExit: Self { Self() }
}
extension Switching where Self == EPTPByVMFUNC {
  /// The driver switches by VMFUNC.
  public static var eptpByVMFUNC: Self { Self() }
}
extension Switching where Self == ToggleWriteBits {
  /// The hypervisor sets and clears write bits.
  public static var toggleWriteBits: Self { Self() }
}
extension Switching where Self == FilterByMode {
  /// Nothing is switched.
  public static var filterByMode: Self { Self() }
}
