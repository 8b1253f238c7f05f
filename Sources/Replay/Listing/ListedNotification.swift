import Addresses

/// One notification of one strategy, with all that is known of it.
public struct ListedNotification: Equatable, Sendable {
  /// The strategy.
  public var strategy: String
  /// Its number among the strategy's notifications, in the order in which they were noticed, from 1.
  public var number: UInt64
  /// The number of its store in the recording, from 0.
  public var store: UInt64
  /// The vCPU that stored.
  public var vcpu: Int
  /// Instructions that vCPU had retired.
  public var instructions: UInt64
  /// Where it stored.
  public var address: GuestPhysicalAddress
  /// How many bytes.
  public var bytes: Int
  /// The symbol that the address lies in; nil for none.
  public var symbol: String?
  /// Bytes from the symbol's start, or else from the page's.
  public var offset: UInt64
  /// The region that is protected there; nil for pages of guest integrity itself.
  public var region: String?
  /// What the page is: `protected`, `tree`, `gi_code`, `gi_data`.
  public var kind: String
  /// Whether the processor's own walk stored, to set a flag of a guest's table.
  public var isByWalker = false
  /// What of what is protected it touches: `bytes`, `sub-page`, `page`; nil of a walker's.
  public var touches: String?
  /// Windows of integrity mode that had begun by then, on any vCPU.
  public var windows: UInt64 = 0
  /// The mark that was passed last.
  public var mark: String?
  /// The alert actions that are asked for.
  public var actions: [String] = []
  /// What it took, by counts.
  public var shape: NotificationShape
  /// When the store was issued, in cycles of its vCPU's own time since protection began; nil where it was noticed late.
  public var issued: Double?
  /// What caches left cold add up to the ring.
  public var cold: Bracket?
  /// From the store's issue to the alert in the ring; nil where it was noticed late, or lost.
  public var raised: Bracket?
  /// From the store's issue to the alert in the consumer's hand; nil likewise.
  public var delivered: Bracket?
  /// How long the vCPU stood still.
  public var stall: Bracket?
  /// Whether the ring was full and the alert lost.
  public var isLost = false
  /// Instructions from the store to its notification, where that came late.
  public var lateInstructions: UInt64?

  /// What was stored to, as tables name it: `modprobe_path+0x4`.
  public var target: String {
    (symbol ?? "page \(hex(address.page.rawValue))") + "+" + hex(offset)
  }
}
