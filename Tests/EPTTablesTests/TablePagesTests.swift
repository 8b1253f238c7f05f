import Addresses
import EPT
import EPTTables
import SeededRandom
import Testing

/// What edits take of a pool that is soon empty, beside the same edits with a pool that is not.
@Suite("Pages for tables")
struct TablePagesTests {
  /// Every word of the tables.
  private static func words(_ machine: Machine, tables: Int) -> [UInt64] {
    (0..<UInt64(tables * 512)).map { machine.memory.memory.load(HostPhysicalAddress(Machine.pages << 12 + $0 * 8)) }
  }

  private static func randomEdit(
    _ random: inout SplitMix64
  ) throws -> (inout TableSets, inout InvalidationDebt) throws(TableError) -> Void {
    let first = random.below(Machine.pages)
    let longest = random.pick([1, 4, 512, 1500]) as UInt64
    let range = try PageRange(first, count: 1 + random.below(min(longest, Machine.pages - first)))
    if random.oneIn(6) {
      return { (sets, debt) throws(TableError) in try sets.unmap(range.first, owing: &debt) }
    }
    let changes: [BitsChange] = [.none, .grant(.write), .withdraw(.write), .withdraw(.write)]
    let (normal, other, isCommon, small) = (
      random.pick(changes), random.pick(changes), random.oneIn(3), random.oneIn(3)
    )
    return { (sets, debt) throws(TableError) in
      try sets.edit(range, normal: normal, integrity: isCommon ? normal : other, small: small, owing: &debt)
    }
  }

  @Test(
    "an edit is done as a whole where they suffice, and refused where they do not, with every word of the tables as it was"
  )
  func suffice() throws {
    var (done, refused) = (0, 0)
    for tables in 5...20 {
      for seed in 0..<6 as Range<UInt64> {
        var random = SplitMix64(seed: seed << 8 | UInt64(tables))
        let (tight, ample) = (
          try Machine(twoSets: true, strips: true, tables: tables), try Machine(twoSets: true, strips: true)
        )
        for step in 0..<40 {
          let edit = try Self.randomEdit(&random)
          let (before, used) = (Self.words(tight, tables: tables), tight.sets.pool.used)
          try ample.edit(edit)
          do {
            try tight.edit(edit)
            done += 1
            #expect(tight.sets.pool.used == ample.sets.pool.used, "\(tables) tables, seed \(seed), step \(step)")
          } catch {
            refused += 1
            #expect(ample.sets.pool.used > tables, "\(tables) tables, seed \(seed), step \(step): there was room")
            #expect(tight.sets.pool.used == used, "\(tables) tables, seed \(seed), step \(step)")
            #expect(Self.words(tight, tables: tables) == before, "\(tables) tables, seed \(seed), step \(step)")
            break
          }
        }
        #expect(tight.sets.audit() == [], "\(tables) tables, seed \(seed)")
      }
    }
    print("pages for tables: \(done) edits done, \(refused) refused")
    #expect(done > 100 && refused > 20)
  }
}
