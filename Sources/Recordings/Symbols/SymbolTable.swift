import Addresses

/// The symbols of a recording in the order of their addresses: finds the one that an address lies in.
package struct SymbolTable: Sendable {
  /// Where an address lies: in a symbol, or in none.
  package struct Location: Hashable, Sendable {
    /// The symbol's index in ``SymbolTable/symbols``; nil where no symbol reaches.
    package var index: Int?
    /// Bytes from the symbol's start, or else from the page's.
    package var offset: UInt64
  }

  /// The symbols, lowest address first; of several at one address the smaller, then the first by name, comes last.
  package let symbols: [RecordingDescription.Symbol]
  private let index: IntervalIndex

  /// A table of these symbols; one of unknown size takes one byte.
  package init(_ symbols: [RecordingDescription.Symbol]) {
    self.symbols = symbols.sorted { ($0.gpa, $1.size, $1.name) < ($1.gpa, $0.size, $0.name) }
    index = IntervalIndex(
      self.symbols.enumerated().map { number, symbol in
        (range: symbol.gpa...max(symbol.gpa, Self.end(of: symbol) - 1), owner: number)
      })
  }

  /// The place of an address: of symbols that overlap, in the one that begins last.
  package func place(of address: UInt64) -> Location {
    guard let last = index.lastOwner(of: address) else { return Location(index: nil, offset: address & 0xfff) }
    return Location(index: last, offset: address - symbols[last].gpa)
  }

  /// The places that a store of so many bytes touches: where it begins, and the start of each symbol it reaches into.
  package func places(of address: UInt64, bytes: UInt64) -> [Location] {
    var places = [place(of: address)]
    let (last, overflow) = address.addingReportingOverflow(max(bytes, 1) - 1)
    var next = address
    while let start = firstStart(after: next), start <= (overflow ? .max : last) {
      places.append(place(of: start))
      next = start
    }
    return places
  }

  /// The least start of a symbol above an address.
  private func firstStart(after address: UInt64) -> UInt64? {
    let index = countOfStarts(upTo: address)
    return index < symbols.count ? symbols[index].gpa : nil
  }

  /// How many symbols start at an address or below.
  private func countOfStarts(upTo address: UInt64) -> Int {
    symbols.partitioningIndex { $0.gpa > address }
  }

  private static func end(of symbol: RecordingDescription.Symbol) -> UInt64 {
    let (end, overflow) = symbol.gpa.addingReportingOverflow(max(symbol.size, 1))
    return overflow ? .max : end
  }
}
