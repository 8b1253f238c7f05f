/// Hierarchies of EPT paging structures, a bit each, by the numbers that an EPTP list gives them.
package struct Hierarchies: OptionSet, Hashable, Sendable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The hierarchy of one number, 0...7.
  package init(number: UInt8) {
    precondition(number < 8, "hierarchies are numbered 0 to 7")
    rawValue = 1 << number
  }

  package func contains(number: UInt8) -> Bool { contains(Self(number: number)) }
}

/// What edits of EPT entries leave to do: a single-context INVEPT for each hierarchy whose cached translations may grant
/// too much, and how many entries were written.
///
/// Only ``settling(_:_:)`` makes a debt and ends it. An edit gets it `inout` and adds to it; nobody else can make one, copy
/// it, or let it go. So no debt is lost where an edit throws after its first entry, and `try?` drops an error only.
/// Source: SDM vol. 3C, "Guidelines for Use of the INVEPT Instruction".
package struct InvalidationDebt: ~Copyable {
  @usableFromInline var owed: Hierarchies = []
  @usableFromInline var edits = 0

  @usableFromInline init() {}

  /// Runs edits, and settles what they owe, whether they succeed or fail.
  ///
  /// - Parameter settle: executes the INVEPTs, on every processor that may have cached anything; it is called in any case.
  @inlinable
  package static func settling<Failure: Error>(
    _ settle: (_ owed: Hierarchies, _ edits: Int) -> Void, _ edit: (inout Self) throws(Failure) -> Void
  ) throws(Failure) {
    var debt = Self()
    do throws(Failure) { try edit(&debt) } catch {
      settle(debt.owed, debt.edits)
      throw error
    }
    settle(debt.owed, debt.edits)
  }

  /// What processors cache beside the entries of hierarchies (sub-page permissions) has been restricted.
  package mutating func owe(_ hierarchies: Hierarchies) { owed.formUnion(hierarchies) }

  /// One entry has been written, and so much is owed for it.
  mutating func wrote(owing hierarchies: Hierarchies) {
    edits += 1
    owe(hierarchies)
  }

  /// Entries of a new table have been written; nothing can be cached from them yet.
  mutating func filled(_ entries: Int) { edits += entries }
}
