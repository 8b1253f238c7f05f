import Addresses
import Recordings

/// Stores that a strategy owes and did not notify, or notified and does not owe.
public struct DifferingStores: Codable, Equatable, Sendable {
  /// The strategy.
  public var strategy: String
  /// Stores that it owes and did not notify.
  public var missed: UInt64 = 0
  /// Stores that it notified and does not owe.
  public var extra: UInt64 = 0
  /// The first of both.
  public var first: [Store] = []

  /// Most stores that are named.
  static let limit = 10

  /// One of them.
  public struct Store: Codable, Equatable, Sendable {
    /// Whether it is owed and was not notified; the other way round otherwise.
    public var missed: Bool
    /// Its number in the recording, from 0.
    public var store: UInt64
    /// The vCPU that stored.
    public var vcpu: Int
    /// Instructions that vCPU had retired.
    public var instructions: UInt64
    /// Where it stored.
    public var address: UInt64
    /// How many bytes.
    public var bytes: Int
    /// The symbol that the address lies in; absent for none.
    public var symbol: String?
    /// Bytes from the symbol's start, or else from the page's.
    public var offset: UInt64
    /// What the page is: `protected`, `tree`, `gi_code`, `gi_data`.
    public var kind: String
    /// The mark that was passed last; absent before the first.
    public var mark: String?
  }
}

extension DifferingStores {
  /// Holds what a strategy notified in a stretch of the recording against what it owes there; both in the order of stores.
  mutating func compare(
    _ noticed: [NoticedStore], owed: [NoticedStore], in cursor: BlockCursor, mark: (Int) -> String?
  ) throws {
    var (mine, theirs) = (noticed[...], owed[...])
    while let store = theirs.first ?? mine.first {
      if let first = mine.first, let other = theirs.first, first.number == other.number {
        (mine, theirs) = (mine.dropFirst(), theirs.dropFirst())
      } else if let first = mine.first, first.number < theirs.first?.number ?? .max {
        mine = mine.dropFirst()
        extra += 1
        try name(first, missed: false, in: cursor, mark)
      } else {
        theirs = theirs.dropFirst()
        missed += 1
        try name(store, missed: true, in: cursor, mark)
      }
    }
  }

  private mutating func name(
    _ store: NoticedStore, missed: Bool, in cursor: BlockCursor, _ mark: (Int) -> String?
  ) throws {
    guard first.count < Self.limit else { return }
    first.append(
      Store(
        missed: missed, store: store.number, vcpu: cursor.runs[store.run].vcpu,
        instructions: try cursor.clock(ofRun: store.run) &+ UInt64(store.access), address: store.address.rawValue,
        bytes: store.bytes, symbol: nil, offset: store.address.pageOffset, kind: store.kind.listedName,
        mark: mark(store.run)))
  }

  /// The same with names, and pages as they truly are.
  func named(by symbols: SymbolTable?, _ truePages: TruePages?) -> DifferingStores {
    var copy = self
    for i in first.indices {
      let address = first[i].address
      if let place = symbols?.place(of: address) {
        copy.first[i].symbol = place.index.flatMap { symbols?.symbols[$0].name }
        copy.first[i].offset = place.offset
      }
      if let page = truePages?[address >> 12] { copy.first[i].address = page << 12 | address & 0xfff }
    }
    return copy
  }
}

/// Compares the stores of all strategies stretch by stretch, so that those which differ are known by name.
struct StoreComparison {
  private let strategies: [Strategy]
  private let marks: [UInt64: String]
  private(set) var differences: [DifferingStores]
  /// The last mark of the blocks before.
  private var mark: String?

  init(_ strategies: [Strategy], marks: [UInt64: String]) {
    (self.strategies, self.marks) = (strategies, marks)
    differences = strategies.map { DifferingStores(strategy: $0.name) }
  }

  /// Takes what each strategy has notified in a block, one list a strategy.
  mutating func compare(_ noticed: [[NoticedStore]], in cursor: BlockCursor) throws {
    let passed = cursor.block.events.compactMap { placed -> (run: Int, name: String)? in
      guard case .mark(let mark) = placed.event else { return nil }
      return (placed.run, marks[mark.id] ?? "mark \(mark.id)")
    }
    defer { mark = passed.last?.name ?? mark }
    let mark: (Int) -> String? = { [mark] run in passed.last { $0.run <= run }?.name ?? mark }
    guard noticed.contains(where: { !$0.isEmpty }) else { return }
    guard let reference = strategies.reference, strategies[reference].contract == .everyStore else { return }
    for index in strategies.indices where index != reference {
      switch strategies[index].contract {
      case .everyStore where noticed[index] != noticed[reference]:
        try differences[index].compare(noticed[index], owed: noticed[reference], in: cursor, mark: mark)
      case .protectedSubPages:
        let owed = noticed[reference].filter(\.isOwedBySubPages)
        if noticed[index] != owed {
          try differences[index].compare(noticed[index], owed: owed, in: cursor, mark: mark)
        }
      case .everyStore, .pagesSinceDrain: break
      }
    }
  }
}

extension [Strategy] {
  /// The strategy that others are held against, and whose notifications stand for all: the first sound one that has every store
  /// to a monitored page refused, or else the first that does, or else the first.
  var reference: Int? {
    let refusing = indices.filter { self[$0].contract == .everyStore }
    return refusing.first { self[$0].sound.value } ?? refusing.first ?? indices.first
  }
}
