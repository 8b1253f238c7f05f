import Addresses
import Replay

/// How much a report says.
package enum Detail: Sendable {
  /// What fits a terminal.
  case brief
  /// Also charts, every count, and every parameter with its source.
  case full
}

extension RunResult {
  /// The report of a run.
  package func document(_ detail: Detail) -> Document {
    var blocks: [Document.Block] = answerNotes.isEmpty ? [] : [.list(answerNotes)]
    blocks += budgetBlocks
    if !blocks.isEmpty { blocks.append(.heading("What was run")) }
    blocks.append(.facts(facts))
    if let table = policy.regionTable { blocks += [.heading("Policy"), .table(table)] }
    blocks += [.heading("Strategies"), .table(strategyTable)]
    if detail == .full { blocks += costPictures }
    blocks += [evidenceTable, armedTable].compactMap(\.self).map { .table($0) }
    blocks += [.list(soundnessNotes), .heading("Notifications")]
    blocks += latencyBlocks(detail)
    blocks += [.table(kindTable)]
    if detail == .full { blocks += placePictures }
    if let table = hottestTable { blocks.append(.table(table)) }
    if let table = wouldHaveTable { blocks.append(.table(table)) }
    if detail == .full, let table = listedTable { blocks += [.heading("Which ones"), .table(table)] }
    blocks += [.heading("Cross-check"), .list(crosscheckNotes + differingNotes)]
    if let table = regionCostTable {
      blocks.append(.heading("Regions"))
      if detail == .full { blocks += regionPictures }
      blocks.append(.table(table))
    }
    blocks += [.heading("Ranking"), .list(rankingNotes)]
    blocks += [pairTable, structureTable].compactMap(\.self).map { .table($0) }
    blocks += sensitivityBlocks()
    if let table = hostTable { blocks += [.heading("Host"), .table(table)] }
    if let table = inPlaceTable { blocks.append(.table(table)) }
    if detail == .full { blocks += [.heading("Counts"), .table(countsTable)] }
    blocks += [.heading("Evidence"), .paragraph(profile.evidence)]
    if detail == .full { blocks += [.table(profile.parameterTable)] }
    let build = tool.build.map { " (\($0))" } ?? ""
    return Document(title: "gi-bench \(tool.version)\(build): \(trace.path)", blocks: blocks)
  }

  private var facts: [Document.Fact] {
    let n = Figure.count
    var facts = [
      Document.Fact(
        "guest",
        "\(trace.guest); \(counted(trace.vcpus, "vCPU", "vCPUs")), \(n(trace.instructions)) \(trace.unit)"),
      Document.Fact(
        "recording",
        "\(n(trace.writes)) writes on \(n(trace.pages)) pages in \(n(trace.runs)) page runs, "
          + "\(n(trace.hypercalls)) hypercalls, \(n(trace.marks)) marks"),
      Document.Fact("accesses", trace.accessSentence),
      Document.Fact("digest", trace.digest),
    ]
    if let rate = trace.instructionsPerSecond {
      facts.append(
        Document.Fact("guest's time", "\(n(rate)) instructions of a vCPU in a second, by which its timers come"))
    }
    if let cautions = trace.cautions { facts.append(Document.Fact("log", cautions.joined(separator: "; "))) }
    facts += [
      Document.Fact(
        "policy",
        trace.hypercalls == 0 && policy.regions == nil
          ? "\(policy.name): no hypercall is recorded, so nothing is protected; say with --policy what is to be"
          : policy.sentence),
      Document.Fact(
        "profile", "\(profile.name)\(hypervisor.map { " under \($0)" } ?? ""); cycles are modelled, not measured"),
    ]
    if let dimensions {
      facts.append(
        Document.Fact(
          "dimensions", "\(dimensions): linear pages through the guest's tables, and each entry of them through the EPT"
        ))
    } else {
      facts.append(
        Document.Fact("dimensions", "1: guest-physical pages through the EPT; a TLB entry spans 4 KiB"))
    }
    if let host {
      facts.append(
        Document.Fact(
          "host",
          "\(host.cpu), \(counted(host.cores, "core", "cores")), \(host.os); seconds and ns are measured here"))
    }
    return facts
  }
}
