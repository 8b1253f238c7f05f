import Addresses

/// One field of a paging-structure entry, by its bits high:low.
package struct EntryField: Hashable, Sendable {
  /// The highest bit.
  package let high: Int
  /// The lowest bit.
  package let low: Int
  /// What the manual calls it.
  package let name: String
  /// The bits, shifted down.
  package let value: UInt64
  /// What the value means, if the name does not say it all.
  package let meaning: String?

  init(_ high: Int, _ low: Int, _ name: String, of entry: UInt64, _ meaning: String? = nil) {
    self.high = high
    self.low = low
    self.name = name
    value = entry >> UInt64(low) & (high - low == 63 ? ~0 : 1 << UInt64(high - low + 1) - 1)
    self.meaning = meaning
  }

  /// Whether the field says nothing: ignored, or reserved and clear.
  package var isSilent: Bool { name == "ignored" || (name == "reserved" && value == 0) }
}

extension EntryField: CustomStringConvertible {
  /// The field as `high:low name = value (meaning)`.
  package var description: String {
    let bits = high == low ? "\(high)" : "\(high):\(low)"
    let number = name.hasSuffix("address") ? hex(value << UInt64(low)) : String(value, radix: 16)
    return "\(bits) \(name) = \(number)" + (meaning.map { " (\($0))" } ?? "")
  }
}

extension EPTRegime {
  /// The fields of an EPT entry at a level, bit 63 first; they tile the 64 bits.
  ///
  /// Source: SDM vol. 3C, the tables "Format of an EPT … Entry" that … "Maps" and "References", under the controls in force.
  package func fields(of entry: EPTEntry, at level: Level) -> [EntryField] {
    let bits = entry.rawValue
    let isPresent = rules.isPresent(bits)
    let isLeaf = rules.mapsPage(bits, level)
    func field(_ high: Int, _ low: Int, _ name: String, _ meaning: String? = nil) -> EntryField {
      EntryField(high, low, name, of: bits, meaning)
    }
    func optional(_ bit: Int, _ name: String, if counts: Bool) -> EntryField {
      field(bit, bit, counts ? name : "ignored")
    }
    guard isPresent else {
      let granting = rules.modeBasedExecute ? "none of bits 2:0 and 10 is set" : "none of bits 2:0 is set"
      return [field(63, 63, "suppress #VE"), field(62, 3, "ignored"), field(2, 0, "not present", granting)]
    }
    let m = min(52, rules.reservedAddress.trailingZeroBitCount)
    var fields: [EntryField] = [
      optional(63, "suppress #VE", if: isLeaf),
      field(62, 62, "ignored"),
      optional(61, "sub-page write permissions", if: isLeaf && level == .pte && subPages),
      optional(60, "supervisor shadow stack", if: isLeaf && pointer.enforcesSupervisorShadowStack),
      field(59, 59, "ignored"),
      optional(58, "paging-write access", if: isLeaf && pagingWrite != 0),
      optional(57, "verify guest paging", if: isLeaf && special.contains(.unverifiedPaging)),
      field(56, 52, "ignored"),
    ]
    if m < 52 { fields.append(field(51, m, "reserved")) }
    let lowest = isLeaf ? Int(level.shift) : 12
    fields.append(field(m - 1, lowest, isLeaf ? "page address" : "table address"))
    if lowest > 12 { fields.append(field(lowest - 1, 12, "reserved")) }
    fields.append(field(11, 11, "ignored"))
    fields.append(optional(10, "execute for user-mode addresses", if: rules.modeBasedExecute))
    fields.append(optional(9, "dirty", if: isLeaf && hasFlags))
    fields.append(optional(8, "accessed", if: hasFlags))
    if isLeaf {
      let type = MemoryType(rawValue: entry.memoryTypeBits)?.name
      let isReserved = [2, 3, 7].contains(entry.memoryTypeBits)
      fields += [
        level == .pte ? field(7, 7, "ignored") : field(7, 7, "maps a page"),
        field(6, 6, "ignore PAT"),
        field(5, 3, "memory type", isReserved ? "reserved" : type),
      ]
    } else if level >= .pml4e {
      fields.append(field(7, 3, "reserved"))
    } else {
      fields.append(field(7, 7, rules.largePageBit(level) == 0 ? "reserved" : "maps a page"))
      fields.append(field(6, 3, "reserved"))
    }
    fields.append(field(2, 2, rules.modeBasedExecute ? "execute for supervisor-mode addresses" : "execute"))
    fields.append(field(1, 1, "write"))
    fields.append(field(0, 0, "read"))
    return fields
  }
}

extension GuestPaging {
  /// The fields of a guest paging-structure entry at a level, highest bit first; they tile its 64 or 32 bits.
  ///
  /// Source: SDM vol. 3A, chapter "Paging", the tables "Format of a … Entry".
  func fields(of entry: GuestEntry, at level: Level, _ width: PhysicalAddressWidth) -> [EntryField] {
    let bits = entry.rawValue
    func field(_ high: Int, _ low: Int, _ name: String, _ meaning: String? = nil) -> EntryField {
      EntryField(high, low, name, of: bits, meaning)
    }
    let top = isNarrow ? 31 : 63
    guard bits & GuestEntry.presentBit != 0 else { return [field(top, 1, "ignored"), field(0, 0, "present")] }
    if mode == .pae && level == .pdpte { return pdpteFields(bits, width) }
    let isLeaf = mapsPage(bits, at: level)
    let isLarge = isLeaf && level != .pte
    let m = Int(width.bits)
    var fields: [EntryField] = []
    if isNarrow {
      fields.append(field(31, isLarge ? 22 : 12, isLeaf ? "page address" : "table address"))
      if isLarge {
        let bits = min(40, m) - 32
        fields += [
          field(21, 13 + bits, "reserved"), field(12 + bits, 13, "page address, bits 39:32"), field(12, 12, "PAT"),
        ]
      }
    } else {
      let isKeyed = isLeaf && mode != .pae
      fields.append(field(63, 63, reserved >> 63 != 0 ? "reserved" : "execute-disable"))
      if mode == .pae {
        fields.append(field(62, m, "reserved"))
      } else {
        fields += isKeyed ? [field(62, 59, "protection key"), field(58, 52, "ignored")] : [field(62, 52, "ignored")]
        if m < 52 { fields.append(field(51, m, "reserved")) }
      }
      if isLarge {
        let lowest = Int(level.shift)
        fields += [
          field(m - 1, lowest, "page address"), field(lowest - 1, 13, "reserved"), field(12, 12, "PAT"),
        ]
      } else {
        fields.append(field(m - 1, 12, isLeaf ? "page address" : "table address"))
      }
    }
    fields.append(field(11, 9, "ignored"))
    fields.append(field(8, 8, isLeaf ? "global" : "ignored"))
    fields.append(field(7, 7, bit7(level)))
    fields.append(field(6, 6, isLeaf ? "dirty" : "ignored"))
    fields += [
      field(5, 5, "accessed"), field(4, 4, "cache disable"), field(3, 3, "write-through"),
      field(2, 2, "user"), field(1, 1, "write"), field(0, 0, "present"),
    ]
    return fields
  }

  private func bit7(_ level: Level) -> String {
    switch level {
    case .pte: "PAT"
    case .pde: isNarrow && !hasLargePages ? "ignored" : "maps a page"
    case .pdpte: hasHugePages ? "maps a page" : "reserved"
    case .pml4e, .pml5e: "reserved"
    }
  }

  private func pdpteFields(_ bits: UInt64, _ width: PhysicalAddressWidth) -> [EntryField] {
    let m = Int(width.bits)
    func field(_ high: Int, _ low: Int, _ name: String) -> EntryField { EntryField(high, low, name, of: bits) }
    return [
      field(63, m, "reserved"), field(m - 1, 12, "table address"), field(11, 9, "ignored"), field(8, 5, "reserved"),
      field(4, 4, "cache disable"), field(3, 3, "write-through"), field(2, 1, "reserved"), field(0, 0, "present"),
    ]
  }
}
