import Addresses

/// Loads, or fetches of instructions, of one vCPU from one guest page, with their place between the runs of stores.
///
/// What a vCPU loads while one run of stores goes on is told by pages, each once, in the order in which they were first
/// loaded from, behind that run. So the order is exact from run to run and not inside one: a load may stand behind stores to one
/// page, and loads from other pages, that it came before. Fetches are told in the same way; at one place they come first.
@frozen
public struct AccessRun: Hashable, Sendable {
  /// Page, vCPU, and how many accesses. Never a continuation.
  public var run: Run
  /// The linear page, in a trace with linear pages; 0 otherwise.
  public var linearPage: UInt64
  /// Instructions retired by the vCPU at the first of the accesses.
  public var count: UInt64
  /// The index, in the block, of the run it precedes; the block's number of runs when none follows.
  public var beforeRun: UInt32
  /// How many events of the block it comes after.
  public var beforeEvent: UInt32

  /// What stands before it in the block, runs and events together.
  @inlinable public var place: Int { Int(beforeRun) &+ Int(beforeEvent) }
}

/// Accesses that are no stores, as a record by itself.
public struct RecordedAccesses: Hashable, Sendable {
  /// What kind of access.
  public enum Kind: String, CaseIterable, Sendable {
    /// Data is loaded.
    case load
    /// An instruction is fetched: one access for each instruction.
    case fetch

    /// The column that holds them.
    public var column: RecordingColumns { self == .load ? .loads : .fetches }
  }

  /// Loads or fetches.
  public var kind: Kind
  /// The vCPU, counted from 0.
  public var vcpu: Int
  /// Instructions retired by this vCPU at the first of them.
  public var count: UInt64
  /// The guest page of all of them.
  public var page: GuestPageNumber
  /// The linear page, in a trace with linear pages.
  public var linearPage: UInt64?
  /// How many, at least 1.
  public var accesses: Int

  /// Accesses from their fields.
  public init(
    kind: Kind, vcpu: Int, count: UInt64, page: GuestPageNumber, linearPage: UInt64? = nil, accesses: Int
  ) {
    self.kind = kind
    self.vcpu = vcpu
    self.count = count
    self.page = page
    self.linearPage = linearPage
    self.accesses = accesses
  }
}
