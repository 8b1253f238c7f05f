import Addresses
import Synchronization
import Testing

@testable import EPT

/// How many claims this run has checked; each table of claims prints its share.
enum Claims {
  private static let total = Atomic<Int>(0)

  /// The share of one table.
  private final class Share: Sendable {
    let count = Atomic<Int>(0)
  }

  @TaskLocal private static var share: Share?

  /// Notes one checked claim.
  static func count() {
    total.add(1, ordering: .relaxed)
    share?.count.add(1, ordering: .relaxed)
  }

  /// Runs a table of claims and prints how many it held.
  static func table(_ name: String, _ body: () throws -> Void) rethrows {
    let share = Share()
    try $share.withValue(share) { try body() }
    let (count, all) = (share.count.load(ordering: .relaxed), total.load(ordering: .relaxed))
    print("\(name): \(count) claims checked, \(all) in this run so far")
  }
}

/// A place in the paging structures where an entry is put on trial.
struct Shape: CustomStringConvertible, Sendable {
  let level: Level
  let isPage: Bool
  /// The entry is met by a walk of five levels.
  var hasFiveLevels = false

  /// Every kind of entry there is, in walks of four levels and of five.
  static let all = [false, true].flatMap { hasFiveLevels in
    (hasFiveLevels ? [Shape(level: .pml5e, isPage: false, hasFiveLevels: true)] : [])
      + [
        Shape(level: .pml4e, isPage: false, hasFiveLevels: hasFiveLevels),
        Shape(level: .pdpte, isPage: false, hasFiveLevels: hasFiveLevels),
        Shape(level: .pdpte, isPage: true, hasFiveLevels: hasFiveLevels),
        Shape(level: .pde, isPage: false, hasFiveLevels: hasFiveLevels),
        Shape(level: .pde, isPage: true, hasFiveLevels: hasFiveLevels),
        Shape(level: .pte, isPage: true, hasFiveLevels: hasFiveLevels),
      ]
  }
  /// Those that map a page.
  static let pages = all.filter(\.isPage)

  var description: String {
    level.entryName + (isPage ? " mapping a page" : " referring to a table") + (hasFiveLevels ? " of five levels" : "")
  }

  /// Which bits are address bits, so that a bit under trial does not move the page.
  var addressLow: Int { isPage ? Int(level.shift) : 12 }
}

/// One machine whose walk for one address meets an entry under trial among entries that grant everything.
struct Trial {
  /// The address whose walk meets the entry.
  static let gpa: UInt64 = 0x80_8060_3123
  let memory = SparseMemory()
  var machine: EPTMachine<SparseMemory>
  let shape: Shape
  private(set) var address: UInt64 = 0

  static let tables: [Level: UInt64] = [.pml5e: 0, .pml4e: 0x1000, .pdpte: 0x2000, .pde: 0x3000, .pte: 0x4000]
  /// Rights, and write-back memory in a leaf.
  static let full: UInt64 = 0x407

  init(_ shape: Shape, width: Int = 46, controls: Controls = .ept, capabilities: Capabilities = .all) {
    self.shape = shape
    var capabilities = capabilities
    capabilities.physicalAddressWidth = PhysicalAddressWidth(width) ?? .bits46
    capabilities.set(.walkLength5, to: shape.hasFiveLevels)
    machine = EPTMachine(
      memory: memory, capabilities: capabilities, controls: controls,
      eptp: EPTPointer(shape.hasFiveLevels ? 0x26 : 0x101e))
    for level in (shape.hasFiveLevels ? Level.allCases : Level.fourLevels).reversed() {
      let slot = (Self.tables[level] ?? 0) + level.index(of: Self.gpa) * 8
      if level == shape.level {
        address = slot
        memory.store(plain, at: HostPhysicalAddress(slot))
        if shape.isPage { break }
      } else {
        memory.store(level == .pte ? 0x9437 : Self.table(below: level), at: HostPhysicalAddress(slot))
      }
    }
  }

  static func table(below level: Level) -> UInt64 { (level.below.flatMap { tables[$0] } ?? 0) | full }

  /// The entry under trial as it grants everything: 1 GiB, 2 MiB or 4 KiB page, or a table.
  var plain: UInt64 {
    guard shape.isPage else { return Self.table(below: shape.level) }
    return shape.level == .pdpte ? 0x4_0000_04b7 : shape.level == .pde ? 0x20_04b7 : 0x9437
  }

  /// Enables accessed and dirty flags.
  mutating func enableFlags() { machine.eptp.rawValue |= 0x40 }

  /// Puts an entry on trial.
  func put(_ entry: UInt64) { memory.store(entry, at: HostPhysicalAddress(address)) }

  /// The entry as it now is.
  var entry: UInt64 { memory.load(HostPhysicalAddress(address)) }

  /// What an access says.
  mutating func access(_ kind: AccessKind, gpa: UInt64 = Trial.gpa) -> Verdict {
    let access = GuestAccess(GuestPhysicalAddress(gpa), kind, gla: GuestLinearAddress(0x7000_0000 | gpa & 0xfff))
    return Verdict(machine.access(access))
  }
}

/// An outcome, reduced to what claims speak of.
enum Verdict: Equatable {
  case allowed
  case violates(ExitQualification)
  case exception(ExitQualification)
  case misconfigures
  case other(String)

  init(_ outcome: TranslationOutcome) {
    switch outcome {
    case .translated: self = .allowed
    case .violation(let violation): self = .violates(violation.qualification)
    case .virtualizationException(let violation): self = .exception(violation.qualification)
    case .misconfiguration: self = .misconfigures
    default: self = .other(outcome.summary)
    }
  }
}

/// Checks one claim; a differing qualification is told bit by bit.
func claim(
  _ found: Verdict, is expected: Verdict, _ what: @autoclosure () -> String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  Claims.count()
  guard found != expected else { return }
  var report = "\(what()): \(found), expected \(expected)"
  if case .violates(let a) = found, case .violates(let b) = expected {
    report =
      "\(what()): qualification \(hex(a.rawValue)), expected \(hex(b.rawValue)): "
      + a.differences(from: b).joined(separator: "; ")
  }
  Issue.record(Comment(rawValue: report), sourceLocation: sourceLocation)
}

/// Checks any claim.
func claim(
  _ holds: Bool, _ what: @autoclosure () -> String, sourceLocation: SourceLocation = #_sourceLocation
) {
  Claims.count()
  if !holds { Issue.record(Comment(rawValue: what()), sourceLocation: sourceLocation) }
}
