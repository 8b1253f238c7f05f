import Foundation
import Recordings
import Testing

@testable import Sweeps

/// The JSON schema of plans names what the program reads, no more and no less.
@Suite struct PlanSchemaTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(
    path: "../../Benchmarks/Cluster")

  private func schema() throws -> [String: Any] {
    let data = try Data(contentsOf: Self.folder.appending(path: "../Schemas/plan.schema.json"))
    return try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  private func properties(_ path: String..., in root: [String: Any]) throws -> [String: Any] {
    try path.reduce(root) { try #require($0[$1] as? [String: Any], "\(path)") }
  }

  @Test func optionsAndWorkloadsAreThoseOfTheProgram() throws {
    let schema = try schema()
    let vary = try properties("properties", "vary", "properties", in: schema)
    #expect(vary.keys.sorted() == SweepPlan.options)
    let items = try properties("properties", "recordings", "items", in: schema)
    let made = try #require((items["oneOf"] as? [[String: Any]])?.last)
    let workload = try properties("properties", "workload", in: made)
    #expect(workload["enum"] as? [String] == Workload.allCases.map(\.rawValue))
  }

  @Test func everyPlanInTheRepositoryIsRead() throws {
    let plans = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path + "/plans").sorted()
    let read = try plans.compactMap { name -> SweepPlan? in
      let json = try Data(contentsOf: Self.folder.appending(path: "plans/\(name)"))
      // Policies lie beside the plans that use them.
      guard String(decoding: json, as: UTF8.self).contains("\"recordings\"") else { return nil }
      return try SweepPlan(json: json, origin: name)
    }
    #expect(read.map(\.name).sorted() == ["brackets", "cluster-test", "consumers", "memory", "ranges", "readme"])
    #expect(read.map { $0.cellCount ?? 0 }.sorted() == [12, 20, 30, 36, 40, 48])
  }
}
