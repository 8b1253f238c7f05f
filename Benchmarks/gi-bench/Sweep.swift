import ArgumentParser
import Foundation
import Recordings
import Replay
import Report
import Sweeps

/// `gi-bench sweep`: every cell of a plan, each in a process of its own.
struct Sweep: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Replay a matrix of recordings and options, on all cores or a cluster.",
    discussion: """
      A plan names recordings, strategies and values of options; every combination is a cell. Each cell is replayed by \
      a process of its own, which leaves one result in the folder, whole or not at all. A sweep that was broken off goes on \
      where it was: cells that have their result are not done again. `gi-bench merge` joins the results.

      With --chunk only every Nth cell is done: one task of a cluster's job array. See Benchmarks/Cluster/README.md. In \
      place of the plan the folder of a sweep may stand, which is gone on with.

      EXAMPLES:
        gi-bench sweep Benchmarks/Cluster/plans/readme.json --dry-run
        gi-bench sweep Benchmarks/Cluster/plans/readme.json --output sweep --jobs 2
        gi-bench sweep sweep --chunk 3/20
        gi-bench merge sweep --export html=sweep.html --export csv=sweep.csv

      \(ExitStatus.help)
      """)

  @Argument(
    help: ArgumentHelp("The plan, JSON, or the folder of a sweep that has begun.", valueName: "plan"),
    completion: .file(extensions: ["json"]))
  var plan: String

  @Option(name: .shortAndLong, help: ArgumentHelp("The folder of the sweep.", valueName: "folder"))
  var output: String?

  @Option(help: ArgumentHelp("Processes at once; default: one per core.", valueName: "n"))
  var jobs = ProcessInfo.processInfo.activeProcessorCount

  @Option(help: ArgumentHelp("Do only chunk K of N, K from 1.", valueName: "k/n"))
  var chunk: Chunk?

  @Option(help: ArgumentHelp("Try a cell this many times before it counts as failed.", valueName: "n"))
  var tries = 2

  @Flag(name: .customLong("dry-run"), help: "Say how many cells there are, and what they take; write nothing.")
  var isDry = false

  @Flag(
    name: .customLong("extend"),
    help: "Continue in the folder of a plan that has changed, and keep the cells that both have.")
  var isExtending = false

  @Flag(name: .customLong("prepare"), help: "Make the folder and its recordings, and replay nothing.")
  var isPreparing = false

  @Flag(name: .customLong("in-process"), help: "Replay every cell in this process, one after another.")
  var isInProcess = false

  @Option(
    name: .customLong("open-chunks"),
    help: ArgumentHelp("Print which of N chunks have cells without a result, for `sbatch --array`.", valueName: "n"))
  var openChunks: Int?

  @OptionGroup(title: "Terminal") var console: ConsoleOptions

  /// One part of a plan.
  struct Chunk: ExpressibleByArgument {
    var (index, count) = (1, 1)

    init?(argument: String) {
      let parts = argument.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
      guard parts.count == 2, let index = parts[0], let count = parts[1], (1...100_000).contains(count),
        (1...count).contains(index)
      else { return nil }
      (self.index, self.count) = (index, count)
    }
  }

  func validate() throws {
    guard (1...1024).contains(jobs) else {
      throw ValidationError("--jobs \(jobs) is not 1 to 1024; give one process a core")
    }
    guard (1...100).contains(tries) else { throw ValidationError("--tries \(tries) is not 1 to 100; give 2") }
    guard isDry || output != nil || isFolder else {
      throw ValidationError("no --output names the sweep's folder; give one")
    }
    guard output == nil || !isFolder else {
      throw ValidationError("\(plan) is the folder of a sweep already; leave out --output")
    }
    guard openChunks.map((1...100_000).contains) ?? true else {
      throw ValidationError("--open-chunks \(openChunks ?? 0) is not 1 to 100000; give the number of chunks")
    }
  }

  private var isFolder: Bool {
    var isDirectory: ObjCBool = false
    return FileManager.default.fileExists(atPath: plan, isDirectory: &isDirectory) && isDirectory.boolValue
  }

  /// The sweep that is gone on with, or that the plan begins.
  private func begun() throws -> (SweepManifest, SweepFolder) {
    if isFolder {
      let folder = SweepFolder(plan)
      guard let manifest = try folder.manifest() else {
        throw Failure("\(plan): no manifest.json, so no sweep; make one with `gi-bench sweep PLAN --output \(plan)`")
      }
      return (manifest, folder)
    }
    let folder = SweepFolder(output ?? ".")
    let manifest = try expanded()
    try folder.begin(manifest, extending: isExtending)
    return (manifest, folder)
  }

  private func expanded() throws -> SweepManifest {
    let plan = try SweepPlan(
      json: InputFile.read(plan, atMost: SweepPlan.sizeLimit, expecting: "a plan in JSON"), origin: plan)
    return try PlanExpansion(plan, origin: self.plan).manifest
  }

  func run() throws {
    if isDry, !isFolder { return try SweepEstimate(of: expanded(), jobs: jobs).say() }
    let (manifest, folder) = try begun()
    if isDry { return try SweepEstimate(of: manifest, jobs: jobs).say() }
    if let openChunks {
      let open = (1...openChunks).filter { !manifest.chunk($0, of: openChunks).allSatisfy(folder.isFinished) }
      return try OutputFile.writeStandardOutput(open.map(String.init).joined(separator: ",") + "\n")
    }
    let cells = manifest.chunk(chunk?.index ?? 1, of: chunk?.count ?? 1)
    try SweptRecordings.make(isPreparing ? manifest.cells : cells, of: manifest, in: folder)
    if isPreparing { return }
    let open = cells.filter { !folder.isFinished($0) }
    let pool = CellPool(
      folder: folder, manifest: manifest, jobs: isInProcess ? 1 : jobs, tries: tries, isInProcess: isInProcess)
    let failed = try pool.run(open, done: cells.count - open.count, line: console.progressLine(named: manifest.name))
    let closing =
      "\(folder.path): \(cells.count - failed.count) of \(cells.count) cells done"
      + (open.count < cells.count ? ", \(cells.count - open.count) of them before" : "")
    if !console.quiet { StandardError.say(closing) }
    guard let first = failed.first else { return }
    throw Failure(
      "\(folder.path): \(failed.count) of \(cells.count) cells failed, first \(first.cell.title): \(first.failure.message); "
        + "`gi-bench merge \(folder.path)` lists them, the same sweep tries them again")
  }
}
