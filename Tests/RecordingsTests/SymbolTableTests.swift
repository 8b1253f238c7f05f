import Addresses
import Recordings
import SeededRandom
import Testing

@Suite("Symbols by address")
struct SymbolTableTests {
  private static func random(seed: UInt64) -> [RecordingDescription.Symbol] {
    var random = SplitMix64(seed: seed)
    return (0..<Int.random(in: 0...40, using: &random)).map { index in
      .init(
        name: "s\(index)", gpa: UInt64.random(in: 0...300, using: &random),
        size: [0, 1, 7, 40, 200].randomElement(using: &random)!)
    }
  }

  @Test("an address lies in the symbol that begins last of those that hold it", arguments: 0..<50 as Range<UInt64>)
  func place(seed: UInt64) {
    let symbols = Self.random(seed: seed)
    let table = SymbolTable(symbols)
    for address in 0...600 as ClosedRange<UInt64> {
      let holding = symbols.filter { $0.gpa <= address && address < $0.gpa + max($0.size, 1) }
      let place = table.place(of: address)
      guard let start = holding.map(\.gpa).max() else {
        #expect(place.index == nil && place.offset == address, "seed \(seed)")
        continue
      }
      // Of several that begin there the smallest, the first by name.
      let owed = holding.filter { $0.gpa == start }.min { ($0.size, $0.name) < ($1.size, $1.name) }
      #expect(place.index.map { table.symbols[$0] } == owed && place.offset == address - start, "seed \(seed)")
    }
  }

  @Test("a symbol at the end of all addresses does not overflow")
  func end() {
    let table = SymbolTable([.init(name: "last", gpa: .max - 1, size: .max)])
    #expect(table.place(of: .max - 1).index == 0 && table.place(of: .max - 2).index == nil)
  }

  @Test(
    "targets count a store for each symbol it touches on its first page, with the offsets it had",
    arguments: 0..<20 as Range<UInt64>)
  func targets(seed: UInt64) {
    let symbols = Self.random(seed: seed)
    var random = SplitMix64(seed: seed &+ 1000)
    let table = SymbolTable(symbols)
    var targets = StoreTargets(table)
    let stores = (0..<300).map { _ in
      (
        first: UInt64.random(in: 0...0x1100, using: &random),
        bytes: [1, 2, 4, 8, 16, 64].randomElement(using: &random)!
      )
    }
    for store in stores { targets.add(GuestPhysicalAddress(store.first), bytes: store.bytes) }
    let byPage = targets.byPage(most: .max)
    for page in [0, 1] as [UInt64] {
      // Byte by byte: the innermost symbol of each start that is crossed, and of the first byte.
      var owed: [String?: Set<Int>] = [:]
      for (index, store) in stores.enumerated() where store.first >> 12 == page {
        let here = (store.first...store.first + UInt64(store.bytes) - 1).filter { $0 >> 12 == page }
        for byte in here where byte == store.first || symbols.contains(where: { $0.gpa == byte }) {
          owed[table.place(of: byte).index.map { table.symbols[$0].name }, default: []].insert(index)
        }
      }
      let listed = byPage[GuestPageNumber(page)] ?? []
      #expect(listed.map(\.stores) == listed.map(\.stores).sorted(by: >))
      #expect(
        Dictionary(uniqueKeysWithValues: listed.map { ($0.symbol, Int($0.stores)) }) == owed.mapValues(\.count),
        "seed \(seed)")
      for target in listed {
        #expect(target.firstOffset <= target.lastOffset)
        let start = symbols.first { $0.name == target.symbol }?.gpa ?? page << 12
        for offset in [target.firstOffset, target.lastOffset] {
          #expect(table.place(of: start + offset).index.map { table.symbols[$0].name } == target.symbol)
        }
      }
    }
  }
}
