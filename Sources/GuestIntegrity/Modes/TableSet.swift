/// One of the EPT hierarchies of a machine. All map every guest page to the same host page; what may be written differs.
public enum TableSet: UInt8, CaseIterable, Hashable, Sendable, BitwiseCopyable {
  /// Active in normal mode: everything monitored is write-protected.
  case normal = 0
  /// Active in integrity mode: GI data and tree pages may be written, and only GI code may be executed.
  case integrity = 1
  /// Active while one noticed store is completed by the vCPU itself: everything may be written.
  case open = 2
}

/// What may run on a vCPU, and so what it may write.
public enum Mode: UInt8, Hashable, Sendable, BitwiseCopyable {
  /// The guest's own software.
  case normal = 0
  /// The GI driver, between a checked entry and its exit.
  case integrity = 1
}

/// What becomes of the driver's execute rights over the rest of the guest in the integrity set.
public enum IntegrityExecution: UInt8, CaseIterable, Hashable, Sendable {
  /// Only GI code pages are executable: foreign code cannot run with the integrity set.
  case giCodeOnly
  /// Every page is executable, as in the normal set.
  case everything
}
