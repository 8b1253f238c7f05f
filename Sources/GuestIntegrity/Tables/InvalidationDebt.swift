/// What an edit of the table sets leaves to do: the sets whose cached translations may grant too much, and how many
/// entries were written.
struct InvalidationDebt: Hashable, Sendable {
  /// Sets to invalidate, by raw value.
  private var sets: UInt8 = 0
  /// Entries written.
  private(set) var edits = 0

  static let none = Self()

  /// One entry of a set has been written; `owes` if a translation cached before may not be used any more.
  mutating func wrote(_ set: TableSet, owes: Bool) {
    edits += 1
    if owes { sets |= 1 << set.rawValue }
  }

  /// An entry that both sets share has been written.
  mutating func wroteShared(owes: Bool) {
    edits += 1
    if owes { sets |= 0b11 }
  }

  /// Entries of a new table have been written; nothing can be cached from them yet.
  mutating func filled(_ entries: Int) { edits += entries }

  /// What both sets refer to beside their entries has been restricted.
  mutating func owe() { sets |= 0b11 }

  /// The debt of an edit of the open view, which is a hierarchy of its own.
  var ofOpenView: Self {
    var debt = self
    debt.sets = sets == 0 ? 0 : 1 << TableSet.open.rawValue
    return debt
  }

  func owes(_ set: TableSet) -> Bool { sets & 1 << set.rawValue != 0 }

  static func += (a: inout Self, b: Self) {
    a.sets |= b.sets
    a.edits += b.edits
  }
}
