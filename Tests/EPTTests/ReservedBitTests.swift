import SeededRandom
import Addresses
import Testing

@testable import EPT

@Suite("EPT entry bits")
struct EntryBitTests {
  /// The bits that are reserved in a present entry of a shape, from the manual's tables of formats.
  static func reserved(_ shape: Shape, width: Int) -> Set<Int> {
    var bits = Set(width..<max(52, width))
    switch (shape.level, shape.isPage) {
    case (.pml4e, _), (.pml5e, _): bits.formUnion(3...7)
    case (.pdpte, false), (.pde, false): bits.formUnion(3...6)
    case (.pdpte, true): bits.formUnion(12...29)
    case (.pde, true): bits.formUnion(12...20)
    case (.pte, _): break
    }
    return bits
  }

  @Test(
    "that are reserved misconfigure a present entry and mean nothing in an absent one", arguments: [36, 40, 46, 52])
  func reservedBits(width: Int) {
    Claims.table("reserved bits, \(width) address bits") {
      for shape in Shape.all {
        var trial = Trial(shape, width: width)
        for bit in Self.reserved(shape, width: width) {
          trial.put(trial.plain | 1 << UInt64(bit))
          for kind in [AccessKind.dataRead, .dataWrite, .codeFetch] {
            claim(trial.access(kind), is: .misconfigures, "bit \(bit) in a present \(shape)")
          }
          trial.put(trial.plain & ~0x407 | 1 << UInt64(bit))
          claim(trial.access(.dataRead), is: .violates(ExitQualification(0x181)), "bit \(bit) in an absent \(shape)")
        }
      }
    }
  }

  @Test("that are not reserved never misconfigure")
  func ignoredBits() {
    Claims.table("bits that are not reserved") {
      for width in [36, 46, 52] {
        for shape in Shape.all {
          var trial = Trial(shape, width: width)
          let reserved = Self.reserved(shape, width: width)
          for bit in 0..<64 where !reserved.contains(bit) && !(3...5).contains(bit) {
            // Bit 7 makes a page of a table; address bits move it; bits 2:0 are the rights.
            if bit < 3 || (bit == 7 && shape.level != .pte) || (shape.addressLow..<width).contains(bit) { continue }
            trial.put(trial.plain ^ 1 << UInt64(bit))
            for kind in [AccessKind.dataRead, .dataWrite, .codeFetch] {
              claim(trial.access(kind), is: .allowed, "bit \(bit) in a \(shape), \(width) address bits")
            }
          }
        }
      }
    }
  }

  @Test("5:3 of a leaf must name a memory type")
  func memoryTypes() {
    Claims.table("memory types") {
      for shape in Shape.pages {
        var trial = Trial(shape)
        for type in UInt64(0)..<8 {
          trial.put(trial.plain & ~0x38 | type << 3)
          claim(
            trial.access(.dataRead), is: [2, 3, 7].contains(type) ? .misconfigures : .allowed, "type \(type), \(shape)")
        }
      }
    }
  }

  @Test("7 is reserved where the processor has no such large page, and then makes no leaf")
  func unsupportedLargePages() {
    Claims.table("unsupported large pages") {
      for (level, feature) in [(Level.pdpte, Capabilities.Feature.page1G), (.pde, .page2M)] {
        var capabilities = Capabilities.all
        capabilities.set(feature, to: false)
        var trial = Trial(Shape(level: level, isPage: true), capabilities: capabilities)
        claim(trial.access(.dataRead), is: .misconfigures, "\(level.entryName) with bit 7")
        trial.put(trial.plain & ~7)
        claim(trial.access(.dataRead), is: .violates(ExitQualification(0x181)), "absent \(level.entryName) with bit 7")
        let rules = trial.machine.regime.rules
        let reasons = rules.misconfigurations(of: EPTEntry(trial.plain), at: level)
        claim(reasons == .reservedBit, "reasons \(reasons)")
      }
    }
  }

  @Test("63:0 are named without gap or overlap at every level, under every control")
  func fieldsTile() {
    Claims.table("fields tile the entry") {
      var random = SplitMix64(seed: 7)
      for _ in 0..<4000 {
        var controls = Controls.ept
        controls.set(.modeBasedExecute, to: random.oneIn(2))
        controls.set(.subPageWritePermissions, to: random.oneIn(2))
        controls.set([.pagingWrite, .guestPagingVerification], to: random.oneIn(2))
        var capabilities = Capabilities.all
        capabilities.physicalAddressWidth = PhysicalAddressWidth(36 + Int(random.next() % 17)) ?? .bits46
        capabilities.set(.page1G, to: random.oneIn(2))
        let regime = EPTRegime(
          capabilities: capabilities, controls: controls, pointer: EPTPointer(random.next() & 0xc0 | 0x101e))
        let bits = random.next() & (random.oneIn(3) ? ~7 : ~0)
        let level = random.pick(Level.allCases)
        for fields in [
          regime.fields(of: EPTEntry(bits), at: level)
        ] + guestFields(of: bits, at: level, capabilities) {
          var next = fields[0].high
          let bits = next == 31 ? bits & 0xffff_ffff : bits
          claim(next == 63 || next == 31, "the highest bit is \(next)")
          var rebuilt: UInt64 = 0
          for field in fields {
            claim(field.high == next && field.low <= field.high, "field \(field) after bit \(next + 1)")
            next = field.low - 1
            rebuilt |= field.value << UInt64(field.low)
          }
          claim(next == -1 && rebuilt == bits, "\(fields) do not make up \(hex(bits))")
        }
      }
    }
  }

  /// The fields of a guest entry in every mode that has the level.
  private func guestFields(of bits: UInt64, at level: Level, _ capabilities: Capabilities) -> [[EntryField]] {
    let modes: [(PagingMode, Level)] = [(.bits32, .pde), (.pae, .pdpte), (.fourLevel, .pml4e), (.fiveLevel, .pml5e)]
    return modes.filter { $0.1 >= level }.map { mode, _ in
      var guest = GuestState()
      guest.mode = mode
      guest.pageSizeExtensions = bits & 8 != 0
      let entry = mode == .bits32 ? bits & 0xffff_ffff : bits
      return GuestPaging(guest, capabilities).fields(
        of: GuestEntry(entry), at: level, capabilities.physicalAddressWidth)
    }
  }

  @Test("are judged alike by the walk and by the diagnosis that names reasons")
  func diagnosisAgrees() {
    Claims.table("diagnosis") {
      var random = SplitMix64(seed: 11)
      for _ in 0..<20000 {
        var controls = Controls.ept
        controls.set(.modeBasedExecute, to: random.oneIn(2))
        controls.set(.pagingWrite, to: random.oneIn(2))
        var capabilities = Capabilities.all
        for feature in [Capabilities.Feature.executeOnly, .page1G, .page2M] {
          capabilities.set(feature, to: random.oneIn(2))
        }
        let rules = EntryRules(capabilities: capabilities, controls: controls)
        let bits = random.next() & (random.oneIn(2) ? 0x7ff0_0000_0000_07ff : ~0) & ~(random.next() & random.next())
        for level in Level.allCases where rules.isPresent(bits) {
          let reasons = rules.misconfigurations(of: EPTEntry(bits), at: level)
          claim(
            reasons.isEmpty != rules.isMisconfigured(EPTEntry(bits), at: level),
            "\(hex(bits)) as \(level.entryName): \(reasons.sentences)")
        }
      }
    }
  }
}
