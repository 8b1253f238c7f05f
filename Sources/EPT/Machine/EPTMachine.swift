import Addresses

/// One logical processor in VMX non-root operation, as far as address translation goes: capabilities, controls, VMCS fields,
/// guest registers, and the memory it all lies in.
///
/// A value: a copy is another processor over the same memory. Time, logs and files are none of its business.
@frozen
public struct EPTMachine<Memory: PhysicalMemory> {
  /// The memory that tables, logs and guest lie in.
  public let memory: Memory
  /// What the processor can do.
  public var capabilities: Capabilities { didSet { derive() } }
  /// The VM-execution controls.
  public var controls: Controls { didSet { derive() } }
  /// What the SDM leaves open.
  public var policies: Policies {
    didSet {
      if policies.cache != oldValue.cache { caches = .init(policies.cache) }
      derivePlainness()
    }
  }
  /// The guest's registers.
  public var guest: GuestState { didSet { derivePlainness() } }
  /// The VMCS fields other than controls and EPTP.
  public var fields: VMCSFields

  /// What capabilities, controls and EPTP amount to.
  public private(set) var regime: EPTRegime
  /// Translation comes down to four levels of EPT and, for a linear address, four of the guest's without protection keys or shadow stacks;
  /// nothing is cached. One look for what most accesses are.
  @usableFromInline private(set) var isPlain = false
  /// Everything that ``isPlain`` depends on but the pointer.
  @usableFromInline private(set) var isPlainButForPointer = false
  /// EPT is enabled.
  @usableFromInline private(set) var isEnabled: Bool
  /// The processor logs modifications if accessed and dirty flags are enabled too.
  @usableFromInline private(set) var enablesPML: Bool
  /// What is cached; nothing under the policy `none`.
  public var caches: TranslationCaches
  /// A cache that whoever drives the machine keeps; it is told what to drop.
  public var cache: (any TranslationCache)?
  /// Guest flags that the access under way has yet to set.
  @usableFromInline var guestUpdates = FlagUpdates()

  /// A processor over a memory; by default it can do everything and has only EPT enabled, with EPTP 1EH.
  public init(
    memory: Memory, capabilities: Capabilities = .all, controls: Controls = .ept, eptp: EPTPointer = EPTPointer(0x1e),
    policies: Policies = Policies(), guest: GuestState = GuestState(), fields: VMCSFields = VMCSFields()
  ) {
    self.memory = memory
    self.capabilities = capabilities
    self.controls = controls
    self.policies = policies
    self.guest = guest
    self.fields = fields
    regime = EPTRegime(capabilities: capabilities, controls: controls, pointer: eptp)
    isEnabled = controls.has(.enableEPT)
    enablesPML = controls.has(.enablePML)
    caches = TranslationCaches(policies.cache)
    derivePlainness()
  }

  /// The EPT pointer in force (VMCS encoding 201AH).
  public var eptp: EPTPointer {
    get { regime.pointer }
    set {
      regime = regime.switched(to: newValue)
      isPlain = isPlainButForPointer && !regime.hasFiveLevels
    }
  }

  /// Derives the masks anew after a change of capabilities or controls.
  private mutating func derive() {
    regime = EPTRegime(capabilities: capabilities, controls: controls, pointer: eptp)
    isEnabled = controls.has(.enableEPT)
    enablesPML = controls.has(.enablePML)
    derivePlainness()
  }

  private mutating func derivePlainness() {
    isPlainButForPointer =
      isEnabled && guest.isPlain && capabilities.guestPage1G && !caches.isActive && !policies.reportsMemoryType
    isPlain = isPlainButForPointer && !regime.hasFiveLevels
  }
}
