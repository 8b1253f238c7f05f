import ArgumentParser
import Replay
import Sweeps

/// A plan with every cell parsed as the command line of its `run`, so that what does not exist is refused before anything runs.
struct PlanExpansion {
  /// Every cell.
  let manifest: SweepManifest

  init(_ plan: SweepPlan, origin: String) throws {
    var generated: [String: SweepManifest.Generated] = [:]
    var digests: [String: String] = [:]
    var cells: [SweepCell] = []
    let combinations = try plan.combinations.map { settings in
      (settings, try Self.strategies(of: plan, settings, origin: origin))
    }
    for source in plan.recordings {
      var inputs: [String: String] = [:]
      let name: String
      switch source {
      case .file(let path):
        name = path
        inputs[path] = try InputDigest.ofRecording(path)
      case .generated(let title, let generator):
        name = title
        generated[title] = SweepManifest.Generated(generator)
        inputs[title] = generator.description.recorder.flags ?? ""
      }
      for (settings, (strategies, files)) in combinations {
        for file in files where digests[file] == nil { digests[file] = try InputDigest.of(file) }
        cells.append(
          SweepCell(
            recording: name, settings: settings, strategies: strategies,
            inputs: files.reduce(into: inputs) { $0[$1] = digests[$1] }, version: giBenchVersion))
      }
    }
    manifest = SweepManifest(
      name: plan.name, version: giBenchVersion, readsClock: plan.readsClock, generated: generated, cells: cells)
  }

  /// The strategies of a cell that its processor offers, and the files that its options name.
  private static func strategies(
    of plan: SweepPlan, _ settings: [String: String], origin: String
  ) throws -> ([String], files: [String]) {
    let words = settings.sorted { $0.key < $1.key }
    let cell = words.isEmpty ? "" : ": " + words.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    do {
      let parsed = try Run.parseAsRoot(["-"] + words.flatMap { ["--\($0.key)", $0.value] })
      guard let run = parsed as? Run else { throw Failure(.usage, "not the options of a run; see `gi-bench help run`") }
      let offered = try run.choice.strategies(on: run.choice.pricing.profile()).map(\.name)
      let strategies = plan.strategies.isEmpty ? offered : plan.strategies.filter(offered.contains)
      guard !strategies.isEmpty else {
        throw Failure("the processor offers none of \(plan.strategies.joined(separator: ", ")); add another strategy")
      }
      return (strategies, run.choice.files)
    } catch let failure as Failure {
      throw Failure("\(origin)\(cell): \(failure.sentence)")
    } catch let error as any CustomStringConvertible where !(error is ValidationError) && error is ReplayError {
      throw Failure("\(origin)\(cell): \(error.description)")
    } catch {
      throw Failure("\(origin)\(cell): \(UsageSentence.from(GIBench.message(for: error)))")
    }
  }
}
