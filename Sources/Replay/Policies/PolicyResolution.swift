import Addresses
import Recordings

extension Policy {
  /// The most ranges of all regions together: one region may name many, and many regions the same.
  private static let rangeLimit = 1 << 23

  /// The policy as it applies to a recording of a guest with so much memory; `topLevelTables` are pages that CR3 named.
  ///
  /// Throws ``ReplayError`` for what the recording does not have.
  func resolved(
    for recording: RecordingDescription, guestBytes: UInt64, topLevelTables: Set<UInt64>
  ) throws -> ResolvedPolicy {
    let symbols = Dictionary(grouping: recording.symbols, by: \.name)
    let sections = Dictionary(grouping: recording.regions.filter { $0.bytes > 0 }, by: \.name)
    var left = Self.rangeLimit
    return ResolvedPolicy(
      regions: try regions.enumerated().map { index, region in
        func failure(_ what: String) -> ReplayError {
          ReplayError("\(origin): regions[\(index)], \(region.name): \(what)")
        }
        func symbol(_ name: String) throws -> [RecordingDescription.Symbol] {
          guard let found = symbols[name] else {
            throw failure(
              "the recording has no symbol '\(name)' among its \(recording.symbols.count); "
                + Nearest.advice(for: name, in: symbols.keys.sorted()))
          }
          return found
        }
        var bytes: [Range<UInt64>]
        switch region.place {
        case .symbol(let name, let offset, let count):
          bytes = try symbol(name).map { try Self.part(of: $0, offset: offset, bytes: count, failure) }
        case .between(let from, let to):
          guard let start = try symbol(from).map(\.gpa).min(), let end = try symbol(to).map(\.gpa).max(), start < end
          else { throw failure("'\(from)' does not lie below '\(to)', so the range is empty; exchange them") }
          bytes = [start..<end]
        case .section(let name):
          guard let found = sections[name] else {
            let names = sections.keys.sorted()
            throw failure("the recording names no section '\(name)'; \(Nearest.advice(for: name, in: names))")
          }
          bytes = try found.map { section in
            let (end, overflow) = section.gpa.addingReportingOverflow(section.bytes)
            guard !overflow else { throw failure("section '\(name)' runs past the last address; give a gpa instead") }
            return section.gpa..<end
          }
        case .bytes(let range, let every, let count):
          guard !recording.isLinear else { throw failure("the recording's addresses are virtual; say linear, not gpa") }
          // Refused below, by what is left.
          bytes = (0..<min(count, UInt64(Self.rangeLimit) + 1)).map { number in
            range.lowerBound + number * every..<range.upperBound + number * every
          }
        case .linear(let range):
          guard recording.isLinear else {
            throw failure("the recording's addresses are guest-physical; say gpa, not linear")
          }
          bytes = [range]
        case .pageTables:
          bytes = topLevelTables.map { $0 << 12..<($0 + 1) << 12 }.filter { $0.upperBound <= guestBytes }
          bytes += sections["page-tables", default: []].compactMap {
            let (end, overflow) = $0.gpa.addingReportingOverflow($0.bytes)
            return overflow ? nil : $0.gpa..<end
          }
          guard !bytes.isEmpty else {
            throw failure("the recording shows no page tables: it has no CR3 load; give their pages as gpa and bytes")
          }
        }
        left -= bytes.count
        guard left >= 0 else {
          throw failure("the policy has more than \(Self.rangeLimit) ranges up to here; leave some out")
        }
        if let outside = bytes.first(where: { $0.upperBound > guestBytes }) {
          throw failure(
            "\(hex(outside.lowerBound)) to \(hex(outside.upperBound - 1)) lies outside "
              + (recording.guest.ramBytes == nil && recording.origin == .imported
                ? "the \(guestBytes) bytes that the log's stores reach, and the log does not say how much memory its guest has; "
                  + "import it again with --ram SIZE, or give a range inside"
                : "the guest's \(guestBytes) bytes of memory; give a range inside"))
        }
        return ResolvedPolicy.Region(
          id: UInt64(index + 1), name: region.name, actions: region.actions, isCritical: region.isCritical,
          bytes: bytes.joined)
      })
  }

  /// The bytes of a symbol that a region wants.
  private static func part(
    of symbol: RecordingDescription.Symbol, offset: UInt64, bytes: UInt64?, _ failure: (String) -> ReplayError
  ) throws -> Range<UInt64> {
    guard bytes != nil || symbol.size > 0 else {
      throw failure("the size of symbol '\(symbol.name)' is unknown; say how many bytes")
    }
    guard bytes != nil || offset < symbol.size else {
      throw failure(
        "offset \(offset) lies past the \(symbol.size) bytes of symbol '\(symbol.name)'; give a smaller one")
    }
    let (start, before) = symbol.gpa.addingReportingOverflow(offset)
    let (end, past) = start.addingReportingOverflow(bytes ?? symbol.size - offset)
    guard !before, !past else {
      throw failure("offset and bytes run past the last address; give smaller ones")
    }
    return start..<end
  }
}

extension RecordingDescription {
  /// Whether its true pages are linear ones.
  var isLinear: Bool { addresses == .virtual && log?.truePages != .guestPhysical }
}
