import Addresses

/// What stores to one page touch: a symbol, or the page beside all symbols. A store that reaches from one symbol into another
/// counts for both.
public struct StoreTarget: Codable, Equatable, Sendable {
  /// The symbol; absent beside all symbols.
  public var symbol: String?
  /// Stores that touch it, on this page.
  public var stores: UInt64
  /// The least offset stored to, in bytes from the symbol's start, or else from the page's.
  public var firstOffset: UInt64
  /// The greatest.
  public var lastOffset: UInt64

  enum CodingKeys: String, CodingKey {
    case symbol, stores
    case firstOffset = "first_offset"
    case lastOffset = "last_offset"
  }

  /// As tables name it, with the number of stores: `init_ucounts+0x1c..+0x90 232`.
  public var text: String {
    func offset(_ bytes: UInt64) -> String { "+" + hex(bytes) }
    let range = firstOffset == lastOffset ? offset(firstOffset) : offset(firstOffset) + ".." + offset(lastOffset)
    return "\(symbol ?? "page")\(range) \(stores)"
  }
}

/// Counts what stores touch, page by page: no more entries than there are pages and symbols stored to.
package struct StoreTargets: Sendable {
  private struct Key: Hashable {
    var page: GuestPageNumber
    /// Index in the table; nil beside all symbols.
    var symbol: Int?
  }

  private let table: SymbolTable
  private var counts: [Key: StoreTarget] = [:]

  /// None yet; stores are named by this table.
  package init(_ table: SymbolTable) { self.table = table }

  /// One store; of one that crosses a page's end, the part on its first page.
  package mutating func add(_ address: GuestPhysicalAddress, bytes: Int) {
    let here = min(UInt64(bytes), 0x1000 - address.pageOffset)
    for place in table.places(of: address.rawValue, bytes: here) { add(place, on: address.page) }
  }

  private mutating func add(_ place: SymbolTable.Location, on page: GuestPageNumber) {
    let key = Key(page: page, symbol: place.index)
    var target =
      counts[key]
      ?? StoreTarget(
        symbol: place.index.map { table.symbols[$0].name }, stores: 0, firstOffset: place.offset,
        lastOffset: place.offset)
    target.stores += 1
    target.firstOffset = min(target.firstOffset, place.offset)
    target.lastOffset = max(target.lastOffset, place.offset)
    counts[key] = target
  }

  /// What was stored to on each page, most stores first, then by address; at most so many a page.
  package func byPage(most: Int) -> [GuestPageNumber: [StoreTarget]] {
    Dictionary(grouping: counts, by: \.key.page).mapValues { counts in
      counts.sorted { ($1.value.stores, $0.key.symbol ?? .max) < ($0.value.stores, $1.key.symbol ?? .max) }
        .prefix(most).map(\.value)
    }
  }
}
