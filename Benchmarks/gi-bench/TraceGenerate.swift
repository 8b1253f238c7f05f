import ArgumentParser
import Recordings

/// `gi-bench trace generate`: a synthetic trace, which says that it is one.
struct TraceGenerate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate", abstract: "Synthesise a trace from a workload and a seed.",
    discussion: """
      uniform: every page equally often; zipf: page k in proportion to 1 / (k + 1); scan: every 8 bytes in turn; stride: \
      one store on every 16th page; adversarial: pages of one cache set, and stores across page ends. The same \
      parameters give the same file.
      """)

  @Option(help: "How pages are chosen: \(Workload.allCases.map(\.rawValue).joined(separator: ", ")).")
  var workload: Workload

  @Option(help: "The seed of all choices.")
  var seed: UInt64 = 1

  @Option(help: "How many stores.")
  var writes: UInt64 = 10_000_000

  @Option(help: "How many pages of memory, 1 to \(RecordingGenerator.maximumPages).")
  var pages: UInt64 = 32768

  @Option(help: "How many vCPUs, 1 to 256.")
  var vcpus = 1

  @Option(help: "The zstd level, 1 to 22.")
  var level = 3

  @Option(name: .shortAndLong, help: "The trace to write; - is the standard output.")
  var output: String

  func validate() throws {
    guard (1...RecordingGenerator.maximumPages).contains(pages) else {
      throw ValidationError("\(pages) pages; give 1 to \(RecordingGenerator.maximumPages)")
    }
    guard (1...256).contains(vcpus) else { throw ValidationError("\(vcpus) vCPUs; give 1 to 256") }
    guard (1...22).contains(level) else { throw ValidationError("level \(level) is not 1 to 22; 3 is the default") }
  }

  func run() throws {
    let generator = RecordingGenerator(workload: workload, seed: seed, writes: writes, pages: pages, vcpus: vcpus)
    let summary = try ActivityLine.during("generating \(output)") { try generator.write(to: output, level: level) }
    StandardError.say("\(output): \(writes) writes in \(summary.bytes) bytes, digest \(summary.digest)")
  }
}

extension Workload: ExpressibleByArgument {}
