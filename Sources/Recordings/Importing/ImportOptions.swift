extension TextImport {
  /// What is known of a log that it does not say itself, and what of it is wanted.
  public struct Options: Sendable {
    /// Where the guest's memory ends: stores beyond are to devices, and left out. Nil if unknown.
    public var ramBytes: UInt64?
    /// Numbers of tasks or processes; other tasks' stores are left out. Empty for all.
    public var tasks: Set<UInt64>
    /// What the addresses are, for texts that do not tell; nil for guest-physical.
    public var addresses: RecordingDescription.AddressSpace?
    /// Whether guest-physical pages become frames numbered by first touch, with the true pages in a column.
    public var numbersFrames: Bool
    /// Whether lines that are not understood are left out and counted.
    public var isLenient: Bool

    /// Nothing known, everything wanted.
    public init(
      ramBytes: UInt64? = nil, tasks: Set<UInt64> = [], addresses: RecordingDescription.AddressSpace? = nil,
      numbersFrames: Bool = false, isLenient: Bool = false
    ) {
      self.ramBytes = ramBytes
      self.tasks = tasks
      self.addresses = addresses
      self.numbersFrames = numbersFrames
      self.isLenient = isLenient
    }
  }
}
