import Addresses
import EPT
import References
import SeededRandom

/// A guest of 128 MiB, as the recorded ones, with page tables of its own, mapped in 4 KiB pages by guest and EPT, and random pages of it: the same
/// memory walked by the machine and by the references in C.
///
/// The guest maps linear address x to guest-physical x, EPT guest-physical x to host-physical x; tables lie above, and
/// every accessed and dirty flag of the guest's is set.
public final class WalkWorkload {
  /// How many pages the guest has.
  public static let pages: UInt64 = 1 << 15

  private let owner: HostMemory
  private var machine: EPTMachine<FlatMemory>
  /// The addresses accessed: guest-physical, and linear with the same numbers.
  public let gpas: [UInt64]
  private var reference = reference_processor()

  /// So many accesses to `distinct` random pages, few enough to stay in the host's caches or as many as there are.
  public init(distinct: Int, accesses: Int) {
    let bytes = Self.pages << 12
    let guestTables = bytes
    let guestBytes = guestTables + Self.tableBytes(mapping: Self.pages)
    let guestPages = guestBytes >> 12
    guard let owner = HostMemory(byteCount: guestBytes + Self.tableBytes(mapping: guestPages)) else {
      fatalError("no address space for a guest of \(guestBytes) bytes")
    }
    self.owner = owner
    let memory = owner.memory
    Self.map(Self.pages, in: memory, tables: guestTables, link: 0x63, leaf: 0x63)
    Self.map(guestPages, in: memory, tables: guestBytes, link: 0x7, leaf: 0x37)
    var guest = GuestState()
    guest.cr3 = guestTables
    machine = EPTMachine(memory: memory, eptp: EPTPointer(root: HostPhysicalAddress(guestBytes)), guest: guest)

    var random = SplitMix64(seed: UInt64(distinct))
    let pool = (0..<distinct).map { _ in UInt64.random(in: 0..<Self.pages, using: &random) }
    gpas = (0..<accesses).map { index in
      pool[Int.random(in: 0..<distinct, using: &random)] << 12 | UInt64(index) & 0xff8
    }
    let rules = machine.regime.rules
    reference = reference_processor(
      memory: memory.base.assumingMemoryBound(to: UInt64.self), bytes: memory.byteCount, root: guestBytes,
      cr3: guest.cr3,
      rules: reference_rules(
        present: rules.presentMask, bad_rights: rules.badRights, bad_leaf: rules.badLeaf,
        readable_if: rules.readableIf, page_1g: rules.largePageBit(.pdpte),
        page_2m: rules.largePageBit(.pde), reserved: rules.reservedAddress))
  }

  /// Room for four levels of tables over so many pages.
  private static func tableBytes(mapping pages: UInt64) -> UInt64 {
    ((pages + 511) / 512 + (pages + 512 * 512 - 1) / (512 * 512) + 2) << 12
  }

  /// Writes tables that map the first pages onto themselves: a PML4 table, a PDPT, then the page directories, then the page tables.
  private static func map(_ pages: UInt64, in memory: FlatMemory, tables: UInt64, link: UInt64, leaf: UInt64) {
    let directories = (pages + 512 * 512 - 1) / (512 * 512)
    let directory = tables + 0x2000
    let table = directory + directories << 12
    func put(_ value: UInt64, _ address: UInt64) { memory.store(value, at: HostPhysicalAddress(address)) }
    put(tables + 0x1000 | link, tables)
    for index in 0..<directories { put(directory + index << 12 | link, tables + 0x1000 + index * 8) }
    for index in 0..<(pages + 511) / 512 { put(table + index << 12 | link, directory + index * 8) }
    for page in 0..<pages { put(page << 12 | leaf, table + page * 8) }
  }

  // MARK: What is measured; each returns the sum of the host-physical addresses

  /// An EPT walk each, by the machine.
  @inline(never)
  public func walks() -> UInt64 {
    var machine = machine
    return gpas.withUnsafeBufferPointer { gpas in
      var sum: UInt64 = 0
      for index in 0..<gpas.count {
        sum &+= machine.access(GuestAccess(GuestPhysicalAddress(gpas[index]), .dataWrite)).summand
      }
      return sum
    }
  }

  /// An EPT walk each, in C.
  @inline(never)
  public func referenceWalks() -> UInt64 { reference_ept_writes(&reference, gpas, gpas.count) }

  /// A two-dimensional walk each, by the machine.
  @inline(never)
  public func linearWalks() -> UInt64 {
    var machine = machine
    return gpas.withUnsafeBufferPointer { linears in
      var sum: UInt64 = 0
      for index in 0..<linears.count {
        sum &+= machine.access(linear: GuestLinearAddress(linears[index]), .write, user: false).summand
      }
      return sum
    }
  }

  /// A two-dimensional walk each, in C.
  @inline(never)
  public func referenceLinearWalks() -> UInt64 { reference_linear_writes(&reference, gpas, gpas.count) }
}

extension TranslationOutcome {
  /// What an access adds to the sum, as the references count.
  @inline(__always)
  fileprivate var summand: UInt64 {
    switch self {
    case .translated(let translation): translation.hpa.rawValue
    case .violation(let violation), .virtualizationException(let violation): ~violation.qualification.rawValue
    case .misconfiguration: 1
    case .pageFault: 2
    case .notCanonical: 3
    case .sppEvent, .pmlFull: 4
    }
  }
}
