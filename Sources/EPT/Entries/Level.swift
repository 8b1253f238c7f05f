import Addresses

/// One of the levels of paging structures, numbered from the page up: four of EPT, five with page-walk length 5 (SDM vol. 3C, "EPT
/// Translation Mechanism"); a guest has two to five.
@frozen
public enum Level: UInt8, Comparable, CaseIterable, Sendable {
  /// EPT PTE: maps a 4 KiB page.
  case pte = 1
  /// EPT PDE: refers to a page table or maps a 2 MiB page.
  case pde = 2
  /// EPT PDPTE: refers to a page directory or maps a 1 GiB page.
  case pdpte = 3
  /// EPT PML4E: refers to a page-directory-pointer table.
  case pml4e = 4
  /// EPT PML5E: refers to a PML4 table; with page-walk length 5 only.
  case pml5e = 5

  /// Those of page-walk length 4.
  package static let fourLevels: [Level] = [.pte, .pde, .pdpte, .pml4e]

  /// The level's number, 1...5, without the switch and the call that `rawValue` is.
  ///
  /// A walk with all its levels is one function after inlining, and the optimiser gives up on functions with many branches.
  @inlinable @inline(__always) public var number: UInt8 { unsafeBitCast(self, to: UInt8.self) &+ 1 }

  /// Orders from the page (PTE) up to the root.
  @inlinable @inline(__always) public static func < (a: Self, b: Self) -> Bool { a.number < b.number }
  /// Orders from the page (PTE) up to the root.
  @inlinable @inline(__always) public static func >= (a: Self, b: Self) -> Bool { a.number >= b.number }

  /// How many address bits an entry of this level spans: 12, 21, 30, 39 or 48.
  @inlinable @inline(__always) public var shift: UInt64 { 3 &+ 9 &* UInt64(number) }

  /// How many bytes an entry of this level spans: 4 KiB, 2 MiB, 1 GiB, 512 GiB or 256 TiB.
  @inlinable @inline(__always) public var byteCount: UInt64 { 1 &<< shift }

  /// How many 4 KiB pages an entry of this level spans.
  @inlinable @inline(__always) public var pageCount: UInt64 { 1 &<< (shift &- 12) }

  /// The address bits below this level's: the offset within the page that a leaf of this level maps.
  @inlinable @inline(__always) package var offsetMask: UInt64 { (1 &<< shift) &- 1 }

  /// The index of an address in a table of this level, 0...511.
  @inlinable @inline(__always)
  public func index(of address: UInt64) -> UInt64 { address &>> shift & 511 }

  /// The level below, nil for a PTE.
  @inlinable @inline(__always)
  public var below: Level? { number > 1 ? unsafeBitCast(number &- 2, to: Level.self) : nil }

  /// The level above, nil for a PML5E.
  @inlinable package var above: Level? { Level(rawValue: number &+ 1) }

  /// The manual's name of an entry of this level.
  package var entryName: String {
    switch self {
    case .pte: "EPT PTE"
    case .pde: "EPT PDE"
    case .pdpte: "EPT PDPTE"
    case .pml4e: "EPT PML4E"
    case .pml5e: "EPT PML5E"
    }
  }
}
