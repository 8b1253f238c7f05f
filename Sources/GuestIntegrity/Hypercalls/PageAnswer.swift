/// What GI_QUERY answers for a page, in one non-negative word: 0 if nothing monitors it, else
/// alert actions in bits 11:0, kind of page + 1 in bits 15:12, region in bits 31:16 (the lowest of several).
@frozen
public struct PageAnswer: RawRepresentable, Hashable, Sendable {
  /// The word.
  public let rawValue: UInt64

  /// An answer from its word.
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  init(_ status: IntegrityMonitor.Status) {
    rawValue =
      status.kind.map {
        UInt64(status.actions.rawValue & 0xfff) | UInt64($0.rawValue + 1) << 12 | UInt64(status.region.rawValue) << 16
      } ?? 0
  }
}
