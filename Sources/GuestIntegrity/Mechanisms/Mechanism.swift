/// How a write to a monitored page is noticed.
public enum Noticing: UInt8, CaseIterable, Hashable, Sendable {
  /// The EPT refuses it, and the processor exits to the hypervisor.
  case violationExit
  /// The EPT refuses it, and the processor raises #VE in the guest, where the driver's handler looks it up.
  case virtualizationException
  /// As ``violationExit``, but writes beside the protected bytes of a page are let through by sub-page write permissions.
  case subPagePermissions
  /// It is let through and logged; the log is drained at every change of mode, and when it is full.
  case modificationLog
}

/// How a write that was noticed, and is not blocked, is completed.
public enum Completion: UInt8, CaseIterable, Hashable, Sendable {
  /// The hypervisor performs the store itself.
  case emulate
  /// The vCPU executes the instruction alone, with a table set in which the page may be written, and exits again.
  case singleStep
  /// The driver's handler performs the store with a table set in which the page may be written.
  case viewSwitch
  /// It was performed before it was noticed.
  case alreadyDone

  /// Whether a table set in which everything may be written is needed for it.
  var needsOpenView: Bool { self == .singleStep || self == .viewSwitch }
}

/// What a strategy is made of, as far as the hypervisor and the processors are concerned.
public struct Mechanism: Hashable, Sendable {
  /// How integrity mode changes what may be written.
  public var switching: Switching
  /// How a write is noticed.
  public var noticing: Noticing
  /// How it is completed.
  public var completion: Completion

  /// A mechanism from its choices.
  public init(switching: Switching, noticing: Noticing = .violationExit, completion: Completion = .emulate) {
    self.switching = switching
    self.noticing = noticing
    self.completion = completion
  }
}
