import Addresses

/// An EPT entry that would misconfigure if a walk met it.
public struct LintFinding: Hashable, Sendable {
  /// Where the entry lies.
  public let address: HostPhysicalAddress
  /// The entry.
  public let entry: EPTEntry
  /// Its level.
  public let level: Level
  /// The first guest-physical address whose walk meets it.
  public let gpa: GuestPhysicalAddress
  /// Why it misconfigures.
  public let reasons: Misconfiguration
  /// Its reserved bits that are set.
  public let reservedBits: UInt64
}

extension LintFinding: CustomStringConvertible {
  /// One sentence: which entry, where, for which addresses, and why.
  public var description: String {
    func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
    var why = reasons.sentences.joined(separator: "; ")
    if reservedBits != 0 { why += " (\(hex(reservedBits)))" }
    return "\(level.entryName) \(hex(entry.rawValue)) at \(hex(address.rawValue)) for guest-physical "
      + "\(hex(gpa.rawValue))...\(hex(gpa.rawValue + level.byteCount - 1)): \(why)"
  }
}

/// Looks through the EPT structures below a pointer for entries that would misconfigure, before any access meets them.
///
/// Each table is read once per level it serves at, so shared and even circular tables end; at most `limit` findings are returned and at most
/// `tableLimit` tables read.
public func lint<Memory: PhysicalMemory>(
  _ pointer: EPTPointer, in memory: Memory, rules: EntryRules, limit: Int = 1000, tableLimit: Int = 1 << 20
) -> [LintFinding] {
  var findings: [LintFinding] = []
  var seen: Set<UInt64> = []
  var pending: [(table: HostPhysicalAddress, level: Level, gpa: UInt64)] = [(pointer.root, .pml4e, 0)]
  while let (table, level, gpa) = pending.popLast() {
    guard seen.count < tableLimit, seen.insert(table.rawValue | UInt64(level.rawValue)).inserted else { continue }
    for index in UInt64(0)..<512 {
      let address = HostPhysicalAddress(table.rawValue | index << 3)
      let entry = EPTEntry(memory.load(address))
      let first = gpa | index << level.shift
      switch rules.decode(entry, at: level) {
      case .notPresent, .page: continue
      case .table(let next, _):
        if let below = level.below { pending.append((next, below, first)) }
      case .misconfigured(let reasons):
        findings.append(
          LintFinding(
            address: address, entry: entry, level: level, gpa: GuestPhysicalAddress(first), reasons: reasons,
            reservedBits: rules.reservedBits(of: entry, at: level)))
        if findings.count >= limit { return findings }
      }
    }
  }
  return findings
}
