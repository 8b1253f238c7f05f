import Addresses

/// What a header may say, whoever wrote it: bounds within which nobody who counts with it can go wrong, and totals that its
/// blocks bear out.
enum HeaderValidation {
  /// The widest physical address there is (SDM vol. 3A, MAXPHYADDR).
  static let addressLimit: UInt64 = 1 << 52
  /// Everything that is counted lies below, so that a few such numbers can be added.
  private static let countLimit: UInt64 = 1 << 60

  /// What is wrong with the totals by themselves.
  static func flaw(in totals: RecordingHeader.Totals) -> Flaw? {
    guard (1...RecordingFormat.maximumVCPUs).contains(totals.vcpus), totals.instructions.count == totals.vcpus,
      totals.pageLimit <= RecordingFormat.maximumPages
    else {
      return Flaw(
        found: "a header with \(totals.vcpus) vCPUs and pages up to \(totals.pageLimit)",
        expected: "1 to \(RecordingFormat.maximumVCPUs) vCPUs and pages below 2^32")
    }
    let counts: [(String, UInt64)] = [
      ("writes", totals.writes), ("accesses", totals.accesses), ("runs", totals.runs), ("pages", totals.pages),
      ("bytes", totals.bytes), ("hypercalls", totals.hypercalls), ("CR3 loads", totals.cr3Loads),
      ("mappings", totals.maps), ("marks", totals.marks),
      ("halts", totals.halts ?? 0), ("changes of control registers", totals.controlChanges ?? 0),
      ("loads", totals.loads?.accesses ?? 0), ("runs of loads", totals.loads?.runs ?? 0),
      ("fetches", totals.fetches?.accesses ?? 0), ("runs of fetches", totals.fetches?.runs ?? 0),
    ]
    for (name, count) in counts where count >= countLimit {
      return Flaw(found: "a header with \(count) \(name)", expected: "fewer than 2^60")
    }
    for (vcpu, count) in totals.instructions.enumerated() where count >= RecordingFormat.maximumCount {
      return Flaw(found: "a header with instruction \(count) of vCPU \(vcpu)", expected: "a count below 2^62")
    }
    guard totals.pages <= min(totals.pageLimit, totals.runs), totals.pages > 0 || totals.runs == 0 else {
      return Flaw(
        found: "a header with \(totals.pages) pages",
        expected: "1 to \(min(totals.pageLimit, totals.runs)) for its runs")
    }
    // Divided, not multiplied: the product may not fit.
    let largest = UInt64(Place.maximumSize)
    guard totals.bytes >= totals.accesses, (totals.bytes + largest - 1) / largest <= totals.accesses else {
      return Flaw(
        found: "a header with \(totals.bytes) bytes stored", expected: "1 to 64 for each of \(totals.accesses) accesses"
      )
    }
    return nil
  }

  /// What is wrong with a description: a place past the last address there can be.
  static func flaw(in description: RecordingDescription) -> Flaw? {
    let guest = description.guest
    if let ram = guest.ramBytes, ram > addressLimit {
      return Flaw(found: "\(ram) bytes of guest memory", expected: "2^52 at most")
    }
    if let vcpus = guest.vcpus, !(1...RecordingFormat.maximumVCPUs).contains(vcpus) {
      return Flaw(found: "a guest of \(vcpus) vCPUs", expected: "1 to \(RecordingFormat.maximumVCPUs)")
    }
    if let workload = description.workload, workload.isEmpty || workload.utf8.count > 200 {
      return Flaw(found: "a workload with a name of \(workload.utf8.count) bytes", expected: "1 to 200")
    }
    if let replicate = description.replicate, !(1...1_000_000).contains(replicate) {
      return Flaw(found: "replicate \(replicate)", expected: "1 to 1000000")
    }
    if let rate = description.instructionsPerSecond, !(1...1_000_000_000_000).contains(rate) {
      return Flaw(found: "\(rate) instructions a second", expected: "1 to 10^12")
    }
    if let clocks = description.cut?.firstClocks,
      clocks.count > RecordingFormat.maximumVCPUs || !clocks.allSatisfy({ $0 < RecordingFormat.maximumCount })
    {
      return Flaw(
        found: "a cut with \(clocks.count) first clocks",
        expected: "at most \(RecordingFormat.maximumVCPUs), each below 2^62")
    }
    func flaw(_ what: @autoclosure () -> String, _ gpa: UInt64, _ bytes: UInt64) -> Flaw? {
      bytes <= addressLimit && gpa <= addressLimit - bytes
        ? nil
        : Flaw(
          found: "\(what()) of \(bytes) bytes at \(hex(gpa))", expected: "an end within 2^52 bytes")
    }
    for region in description.regions {
      if let flaw = flaw("region \(region.name)", region.gpa, region.bytes) { return flaw }
    }
    for symbol in description.symbols {
      if let flaw = flaw("symbol \(symbol.name)", symbol.gpa, symbol.size) { return flaw }
    }
    for truth in description.groundTruth {
      if let flaw = flaw("\(truth.attack) \(truth.act)", truth.gpa, truth.bytes) { return flaw }
    }
    return nil
  }

  /// What is wrong with a header as a whole, in a file of this version.
  static func flaw(in header: RecordingHeader, ofVersion version: UInt32) -> Flaw? {
    if version < header.neededVersion {
      return Flaw(
        found: "loads, fetches, halts or changes of control registers in a file of version \(version)",
        expected: "a file of version \(header.neededVersion)")
    }
    let columns = header.columnSet
    for (name, column, totals) in [
      ("loads", RecordingColumns.loads, header.totals.loads), ("fetches", .fetches, header.totals.fetches),
    ] where totals != nil && !columns.contains(column) {
      return Flaw(found: "a header with totals of \(name)", expected: "the column of \(name), or none")
    }
    guard let first = header.recording.cut?.firstClocks, !first.isEmpty else { return nil }
    let last = header.totals.instructions
    guard first.count == last.count, zip(first, last).allSatisfy({ $0 <= $1 }) else {
      return Flaw(
        found: "a cut that begins at instructions \(first)",
        expected: "one for each vCPU, none beyond its last, \(last)")
    }
    return nil
  }

  /// What is wrong with the totals of all blocks, which stand in their headers.
  static func flaw(in blocks: [BlockHeader], totals: RecordingHeader.Totals) -> Flaw? {
    let accesses = blocks.reduce(0) { $0 + UInt64($1.accesses) }
    let last = blocks.last.map {
      ($0.firstWrite + UInt64($0.writes), $0.firstRun + UInt64($0.runs), $0.firstEvent + UInt64($0.events))
    }
    let (writes, runs, events) = last ?? (0, 0, 0)
    guard (writes, accesses, runs, events) == (totals.writes, totals.accesses, totals.runs, totals.events) else {
      return Flaw(
        found: "\(writes) writes, \(accesses) accesses, \(runs) runs and \(events) events in the blocks",
        expected:
          "\(totals.writes), \(totals.accesses), \(totals.runs) and \(totals.events), as the header says")
    }
    for block in blocks {
      for (vcpu, clock) in block.clocks.enumerated() where clock > totals.instructions[vcpu] {
        return Flaw(
          found: "block \(block.number) from instruction \(clock) of vCPU \(vcpu) on",
          expected: "\(totals.instructions[vcpu]) at most, as the header says")
      }
    }
    return nil
  }
}
