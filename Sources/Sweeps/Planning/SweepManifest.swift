import Recordings

/// What a plan expands to: every cell, by name. It stands in the sweep's folder, and each process reads it there.
package struct SweepManifest: Codable, Equatable, Sendable {
  /// Schema version, 1.
  package var schema = 1
  /// Name of the plan.
  package var name: String
  /// XXH3-128 of the cells' names: another plan, other inputs or another version have another one.
  package var digest: String
  /// Version of the gi-bench that expanded the plan; no other may take part.
  package var version: String
  /// Whether results hold host times.
  package var readsClock: Bool
  /// The recordings that are made up, by name.
  package var generated: [String: Generated]
  /// The cells, in the order of the plan.
  package var cells: [SweepCell]

  /// What a recording is made up from.
  package struct Generated: Codable, Equatable, Sendable {
    var workload: String
    var seed: UInt64
    var writes: UInt64
    var pages: UInt64
    var vcpus: Int

    package init(_ generator: RecordingGenerator) {
      workload = generator.workload.rawValue
      seed = generator.seed
      writes = generator.writes
      pages = generator.pages
      vcpus = generator.vcpus
    }

    /// The generator; nil where a hand has been at the manifest.
    package var generator: RecordingGenerator? {
      Workload(rawValue: workload).map {
        RecordingGenerator(workload: $0, seed: seed, writes: writes, pages: pages, vcpus: vcpus)
      }
    }
  }

  /// A manifest of cells.
  package init(
    name: String, version: String, readsClock: Bool, generated: [String: Generated], cells: [SweepCell]
  ) {
    self.name = name
    self.version = version
    self.readsClock = readsClock
    self.generated = generated
    self.cells = cells
    digest = RecordingDigest(of: cells.map(\.id).joined(separator: "\n").utf8).description
  }

  /// The cells of chunk `k` of `n`, dealt in turn, so that the long ones are shared out.
  package func chunk(_ k: Int, of n: Int) -> [SweepCell] {
    cells.enumerated().filter { $0.offset % n == k - 1 }.map(\.element)
  }

  enum CodingKeys: String, CodingKey {
    case schema, name, digest, version, generated, cells
    case readsClock = "host_times"
  }
}
