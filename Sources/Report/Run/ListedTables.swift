import Addresses
import Replay

extension RunResult {
  /// The first notifications one by one; nil where nobody kept them.
  var listedTable: Table? {
    guard let pictures, !pictures.first.isEmpty else { return nil }
    let left = pictures.count - UInt64(pictures.first.count)
    return Table(
      caption: "The first \(pictures.first.count) of \(pictures.count) notifications under \(pictures.strategy)"
        + (left > 0 ? "; \(left) are left out, `--notifications FILE.csv` lists all" : "")
        + ". Stores are numbered from 0, cycles are modelled",
      columns: [
        .figure("number"), .figure("store"), .figure("vCPU"), .figure("after instructions"), .words("stored to"),
        .figure("bytes"), .words("region"), .words("after mark"), .figure("window"), .figure("raised"),
        .figure("delivered"),
      ],
      rows: pictures.first.map { listed in
        [
          Cell(String(listed.number)), Cell(String(listed.store)), Cell(String(listed.vcpu)),
          Cell(String(listed.instructions)), Cell(listed.target), Cell(String(listed.bytes)),
          Cell(listed.region ?? listed.kind), Cell(listed.mark ?? "-"), Cell(String(listed.windows)),
          Cell(listed.raised.map { Figure.number($0.value) } ?? (listed.isLost ? "lost" : "-")),
          Cell(listed.delivered.map { Figure.number($0.value) } ?? (listed.isLost ? "lost" : "-")),
        ]
      })
  }

  /// The stores on which strategies differ, by name.
  var differingNotes: [Cell] {
    (crosscheck.stores ?? []).map { differing in
      let tone: Tone = strategies.first { $0.name == differing.strategy }?.sound.value == true ? .bad : .doubtful
      let counts = [(differing.missed, "owes"), (differing.extra, "notified without owing")].filter { $0.0 > 0 }
        .map { "\($0.1) \(Figure.count($0.0))" }.joined(separator: " and ")
      let left = differing.missed + differing.extra - UInt64(differing.first.count)
      return Cell(
        "\(differing.strategy) \(counts): " + differing.first.map(Self.words).joined(separator: "; ")
          + (left > 0 ? "; and \(Figure.count(left)) more." : "."), tone)
    }
  }

  private static func words(_ store: DifferingStores.Store) -> String {
    "\(store.missed ? "" : "without owing, ")store \(store.store), \(store.bytes) bytes to "
      + "\(store.symbol ?? "page \(hex(store.address >> 12))")+\(hex(store.offset)) (\(store.kind)), by vCPU "
      + "\(store.vcpu) after \(store.instructions) instructions" + (store.mark.map { ", after mark \($0)" } ?? "")
  }
}
