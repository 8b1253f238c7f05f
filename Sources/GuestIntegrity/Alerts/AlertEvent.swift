import Addresses
import MonitorTree

/// The record of one alert: what was attempted, where, by whom, and what was to be done about it.
@frozen
public struct AlertEvent: Hashable, Sendable, BitwiseCopyable {
  /// What raised an alert.
  public enum Cause: UInt8, CaseIterable, Hashable, Sendable, BitwiseCopyable {
    /// A write to a protected page.
    case protectedPage
    /// A write to a page of the tree.
    case treePage
    /// A write to GI code.
    case giCode
    /// A write to GI data.
    case giData
    /// A tree node was found changed during a look-up.
    case corruptTree
    /// A hypercall was refused.
    case hypercall
    /// GI_ENTER failed a check.
    case entry
    /// Integrity mode ended abnormally.
    case integrityFault
    /// A protected guest page was to be unmapped or moved.
    case mapping
    /// The driver has not entered integrity mode in time.
    case silence
    /// Events were lost here, since the ring was full; ``AlertEvent/detail`` is their number.
    case eventsLost
  }

  /// Which of the optional fields are known, and circumstances of the write.
  @frozen
  public struct Flags: OptionSet, Hashable, Sendable, BitwiseCopyable {
    /// The bits.
    public let rawValue: UInt16
    /// Flags from their bits.
    @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// ``AlertEvent/linearAddress`` is known.
    @inlinable public static var linearAddress: Self { Self(rawValue: 1 << 0) }
    /// ``AlertEvent/rip`` is known.
    @inlinable public static var rip: Self { Self(rawValue: 1 << 1) }
    /// ``AlertEvent/newValue`` is known.
    @inlinable public static var newValue: Self { Self(rawValue: 1 << 2) }
    /// ``AlertEvent/oldValue`` is known.
    @inlinable public static var oldValue: Self { Self(rawValue: 1 << 3) }
    /// The write reaches ``AlertEvent/secondPage``.
    @inlinable public static var straddles: Self { Self(rawValue: 1 << 4) }
    /// The monitored page is the second one only.
    @inlinable public static var secondPageOnly: Self { Self(rawValue: 1 << 5) }
    /// The write was not performed.
    @inlinable public static var blocked: Self { Self(rawValue: 1 << 6) }
    /// The processor's guest page walk wrote accessed or dirty flags.
    @inlinable public static var pageWalk: Self { Self(rawValue: 1 << 7) }
    /// A device model wrote.
    @inlinable public static var device: Self { Self(rawValue: 1 << 8) }
    /// The write had been performed before it was noticed.
    @inlinable public static var late: Self { Self(rawValue: 1 << 9) }
  }

  /// When, on the caller's clock.
  public var time: UInt64
  /// The first byte of the write, or the page an event is about.
  public var address: GuestPhysicalAddress
  /// The linear address of the first byte.
  public var linearAddress: GuestLinearAddress
  /// The instruction.
  public var rip: GuestLinearAddress
  /// The first up to 16 bytes written.
  public var newValue: StoredValue
  /// What was there before.
  public var oldValue: StoredValue
  /// The page of the bytes beyond the first page's end.
  public var secondPage: GuestPageNumber
  /// For a refused hypercall its code; for an integrity fault its ``IntegrityFault``; for lost events their number; else 0.
  public var detail: Int32
  /// The region that claims the page; the lowest of several.
  public var region: RegionID
  /// What was to be done.
  public var actions: AlertActions
  /// What is known.
  public var flags: Flags
  /// The vCPU.
  public var vcpu: UInt16
  /// How many bytes were written, 0 if none.
  public var size: UInt8
  /// What raised the alert.
  public var cause: Cause
  /// The mode of the vCPU.
  public var mode: Mode
  /// The table set that was active: the EPTP index.
  public var set: TableSet

  /// An event with nothing known but what raised it, where and when.
  public init(
    _ cause: Cause, vcpu: Int, mode: Mode, set: TableSet, actions: AlertActions, address: GuestPhysicalAddress,
    time: UInt64
  ) {
    self.cause = cause
    self.vcpu = UInt16(truncatingIfNeeded: vcpu)
    self.mode = mode
    self.set = set
    self.actions = actions
    self.address = address
    self.time = time
    linearAddress = GuestLinearAddress(0)
    rip = GuestLinearAddress(0)
    newValue = StoredValue(low: 0)
    oldValue = StoredValue(low: 0)
    secondPage = GuestPageNumber(0)
    detail = 0
    region = .tree
    flags = []
    size = 0
  }

  /// Takes over what a store knows of itself.
  @inline(__always)
  mutating func describe(_ store: Store) {
    size = UInt8(truncatingIfNeeded: store.size)
    if let known = store.linearAddress {
      linearAddress = known
      flags.insert(.linearAddress)
    }
    if let known = store.rip {
      rip = known
      flags.insert(.rip)
    }
    if let known = store.value {
      newValue = known
      flags.insert(.newValue)
    }
    if let after = store.pageAfter {
      secondPage = after
      flags.insert(.straddles)
    }
    switch store.origin {
    case .instruction: break
    case .pageWalk: flags.insert(.pageWalk)
    case .device: flags.insert(.device)
    }
  }
}
