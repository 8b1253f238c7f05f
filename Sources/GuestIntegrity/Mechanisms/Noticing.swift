import EPTTables

/// How a write to a monitored page is noticed. It acts where rights of pages are set, and where a store has been refused.
public protocol Noticing: MechanismChoice {
  /// What of the processor it switches on.
  var features: NoticingFeatures { get }
  /// Which stores to monitored pages it notices.
  var contract: NoticingContract { get }
  /// The bits of a leaf whose page nobody watches.
  var unwatched: LeafBits { get }
  /// When stores to a page that are logged become stores that are refused; nil for never.
  var promotion: Promotion? { get }
  /// Whether pages that are traced have leaves of 4 KiB, even where all pages of a larger one are traced alike.
  var needsSmallLeaves: Bool { get }
  /// The bits of a leaf whose page is traced.
  func bits(of page: TracedPage) -> LeafBits
  /// A store has been refused, and the processor has handed it over: has done what else it takes until it can be judged.
  func deliver(by host: inout some ActingHost)
}

/// Features of the processor by which writes can be noticed beside EPT violations that exit.
public struct NoticingFeatures: OptionSet, Hashable, Sendable {
  /// The bits.
  public let rawValue: UInt8
  /// Features from their bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// EPT violations as #VE, where a leaf does not suppress it.
  public static var virtualizationExceptions: Self { Self(rawValue: 1 << 0) }
  /// Sub-page write permissions, where a leaf says so.
  public static var subPagePermissions: Self { Self(rawValue: 1 << 1) }
  /// Page-modification logging of stores that set a dirty flag.
  public static var modificationLog: Self { Self(rawValue: 1 << 2) }
}

/// Which stores to monitored pages are noticed.
public enum NoticingContract: UInt8, Hashable, Sendable {
  /// Every one, before its effect.
  case everyStore
  /// Every one that touches 128 bytes with a protected byte, before its effect.
  case protectedSubPages
  /// The first to a page since its log was drained, after its effect.
  case pagesSinceDrain
}

extension Noticing {
  /// Nothing beside violations that exit.
  public var features: NoticingFeatures { [] }
  /// Writable, executable, and no #VE.
  public var unwatched: LeafBits { .unwatched }
  /// Never.
  public var promotion: Promotion? { nil }
  /// Large leaves may stay.
  public var needsSmallLeaves: Bool { false }
  /// Nothing else.
  public func deliver(by host: inout some ActingHost) {}
  /// The bits of a page that is watched by taking its write right away, if anybody watches it.
  public func withoutWrite(_ page: TracedPage) -> LeafBits {
    page.watching.isEmpty ? unwatched : unwatched.subtracting(.write)
  }
}

/// Whether two choices have the same name.
public func == (a: any Noticing, b: any Noticing) -> Bool { a.name == b.name }
/// Whether two choices have different names.
public func != (a: any Noticing, b: any Noticing) -> Bool { a.name != b.name }

/// The EPT refuses a write, and the processor exits to the hypervisor.
public struct ViolationExit: Noticing {
  /// Nothing to choose.
  public init() {}
  /// Its name.
  public var name: String { "violation-exit" }
  /// What it does.
  public var meaning: String { "the EPT refuses the write, and the processor exits to the hypervisor" }
  /// Every store.
  public var contract: NoticingContract { .everyStore }
  /// Not writable.
  public func bits(of page: TracedPage) -> LeafBits { withoutWrite(page) }
}

/// The EPT refuses a write, and the processor raises #VE in the guest, where the driver's handler looks it up.
public struct VirtualizationExceptions: Noticing {
  /// Nothing to choose.
  public init() {}
  /// Its name.
  public var name: String { "virtualization-exception" }
  /// What it does.
  public var meaning: String { "the EPT refuses the write, and the processor raises #VE for the driver's handler" }
  /// #VE.
  public var features: NoticingFeatures { .virtualizationExceptions }
  /// Every store.
  public var contract: NoticingContract { .everyStore }
  /// Not writable; only writes that are guest integrity's alone to judge are handed to the driver's handler.
  public func bits(of page: TracedPage) -> LeafBits {
    page.clients == .protection ? withoutWrite(page).subtracting(.suppressVE) : withoutWrite(page)
  }
}

/// The EPT refuses a write, the processor exits, and the vCPU waits until a tool outside the hypervisor has answered.
public struct OutsideAnswer: Noticing {
  /// Nothing to choose.
  public init() {}
  /// Its name.
  public var name: String { "outside-answer" }
  /// What it does.
  public var meaning: String { "as violation-exit; the vCPU waits until a tool outside the hypervisor has answered" }
  /// Every store.
  public var contract: NoticingContract { .everyStore }
  /// Not writable.
  public func bits(of page: TracedPage) -> LeafBits { withoutWrite(page) }
  /// Asks it.
  public func deliver(by host: inout some ActingHost) { host.spend(.outsideAnswer) }
}

/// As ``ViolationExit``, but writes beside the protected bytes of a page are let through by sub-page write permissions.
public struct SubPagePermissions: Noticing {
  /// Nothing to choose.
  public init() {}
  /// Its name.
  public var name: String { "sub-page-permissions" }
  /// What it does.
  public var meaning: String { "as violation-exit; writes beside the protected bytes of a page are let through" }
  /// SPP.
  public var features: NoticingFeatures { .subPagePermissions }
  /// Stores to 128 bytes with a protected one.
  public var contract: NoticingContract { .protectedSubPages }
  /// Not writable; which sub-pages may be written all the same, the hypervisor keeps in their table.
  public func bits(of page: TracedPage) -> LeafBits { withoutWrite(page) }
}

/// A write is let through and logged; the log is drained at every change of mode, and when it is full. Writes to pages that
/// are promoted, and those of critical regions (``Configuration/criticalRegions``), are refused instead.
public struct ModificationLog: Noticing {
  /// When pages are promoted; nil if none ever is.
  public let promotion: Promotion?
  /// A log, with promotion or without.
  public init(promotion: Promotion? = nil) { self.promotion = promotion }
  /// Its name.
  public var name: String { "modification-log" + (promotion.map { "-\($0.hits)-of-\($0.window)" } ?? "") }
  /// What it does.
  public var meaning: String {
    "the write is let through and logged; the log is drained at hypercalls, and when full"
      + (promotion.map { "; a page found in it at \($0.hits) of \($0.window) drains has its writes refused" } ?? "")
  }
  /// PML.
  public var features: NoticingFeatures { .modificationLog }
  /// Pages.
  public var contract: NoticingContract { .pagesSinceDrain }
  /// Dirty, so that nothing is logged.
  public var unwatched: LeafBits { LeafBits.unwatched.union(.dirty) }
  /// What is logged is a page.
  public var needsSmallLeaves: Bool { true }
  /// Not dirty for guest integrity; not writable for others, who want every write.
  public func bits(of page: TracedPage) -> LeafBits {
    var bits = unwatched
    if !page.watching.isDisjoint(with: .guestIntegrity) { bits.remove(.dirty) }
    if !page.watching.subtracting(.guestIntegrity).isEmpty { bits.remove(.write) }
    return bits
  }
}

extension Noticing where Self == ViolationExit {
  /// EPT violations exit.
  public static var violationExit: Self { Self() }
}
extension Noticing where Self == VirtualizationExceptions {
  /// EPT violations are #VE in the guest.
  public static var virtualizationException: Self { Self() }
}
extension Noticing where Self == OutsideAnswer {
  /// EPT violations exit, and a tool outside answers.
  public static var outsideAnswer: Self { Self() }
}
extension Noticing where Self == SubPagePermissions {
  /// EPT violations exit, but beside protected bytes.
  public static var subPagePermissions: Self { Self() }
}
extension Noticing where Self == ModificationLog {
  /// Pages written are logged.
  public static var modificationLog: Self { Self() }
  /// Pages written are logged, and writes to those written often are refused.
  public static func modificationLog(promoting promotion: Promotion) -> Self { Self(promotion: promotion) }
}
