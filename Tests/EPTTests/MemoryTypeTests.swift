import Testing

@testable import EPT

@Suite("EPT memory types")
struct MemoryTypeTests {
  @Test("combine with the PAT type as the manual's table has it; CD and ignore-PAT go before")
  func table() {
    Claims.table("effective memory types") {
      let columns: [MemoryType] = [
        .uncacheable, .uncachedMinus, .writeCombining, .writeThrough, .writeBack, .writeProtected,
      ]
      let rows: [(MemoryType, String)] = [
        (.uncacheable, "UC UC WC UC UC UC"), (.writeCombining, "UC WC WC UC WC UC"),
        (.writeThrough, "UC UC WC WT WT WP"), (.writeProtected, "UC WC WC WT WP WP"),
        (.writeBack, "UC UC WC WT WB WP"),
      ]
      for (ept, row) in rows {
        for (pat, expected) in zip(columns, row.split(separator: " ")) {
          let combined = MemoryType.effective(ept: ept, ignorePAT: false, pat: pat, cacheDisabled: false)
          claim(combined.name == expected, "\(ept.name) with \(pat.name): \(combined.name), expected \(expected)")
          let ignoring = MemoryType.effective(ept: ept, ignorePAT: true, pat: pat, cacheDisabled: false)
          claim(ignoring == ept, "\(ept.name), PAT ignored")
          let disabled = MemoryType.effective(ept: ept, ignorePAT: true, pat: pat, cacheDisabled: true)
          claim(disabled == .uncacheable, "\(ept.name), caching disabled")
        }
      }
      let register: UInt64 = 0x0007_0406_0105_0604
      for (index, expected) in [4, 6, 5, 1, 6, 4, 7, 0].enumerated() {
        let type = MemoryType.pat(
          register: register, pat: index & 4 != 0, cacheDisable: index & 2 != 0, writeThrough: index & 1 != 0)
        claim(type.rawValue == UInt8(expected), "PAT \(index)")
      }
    }
  }
}
