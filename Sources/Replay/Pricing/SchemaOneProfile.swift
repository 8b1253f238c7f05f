import Foundation

/// A profile of schema 1, in which processor and hypervisor were one: read to be converted, and for nothing else.
package struct SchemaOneProfile: Sendable {
  private let file: File

  private struct File: Decodable, Sendable {
    var schema: Int
    var name: String
    var processor: String
    var geometry: CacheGeometry
    var features: [CycleProfile.Feature]
    var parameters: [Cost]
  }

  private struct Cost: Decodable, Sendable {
    var name: String
    var low: Double
    var value: Double
    var high: Double
    var tag: CycleProfile.Evidence
    var source: String
  }

  /// The one cost that schema 2 joins with another.
  private static let emulateStore = "emulate_store"

  /// Reads a file of schema 1; `origin` names it in errors.
  ///
  /// Throws ``ProfileError``.
  package init(json: Data, origin: String) throws {
    let root = try ProfileReader.object(in: json, origin: origin)
    guard root["schema"] as? Int != ProfileFile.schema else {
      throw ProfileError(description: "\(origin): schema is 2 already, expected 1; use the file as it is")
    }
    file = try ProfileReader.decode(File.self, from: json, origin: origin)
    guard file.schema == 1 else {
      throw ProfileError(
        description: "\(origin): schema is \(file.schema), expected 1; only profiles of schema 1 can be converted")
    }
    let known = CostParameter.allCases.map(\.rawValue) + [Self.emulateStore]
    if let stranger = file.parameters.first(where: { !known.contains($0.name) }) {
      throw ProfileError(
        description: "\(origin): no cost is named \(stranger.name), expected those of schema 1; remove or rename it")
    }
    for required in [Self.emulateStore, CostParameter.violationDispatch.rawValue] {
      let count = file.parameters.count { $0.name == required }
      guard count == 1 else {
        throw ProfileError(description: "\(origin): parameter \(required) is given \(count) times, expected once")
      }
    }
  }

  /// The same in schema 2, of the same name in both halves, every cost that schema 1 had with its value, range and
  /// evidence; what it had not is taken from `base`, as assumed.
  ///
  /// Throws ``ProfileError`` where the result breaks a rule.
  package func converted(completing base: CycleProfile, origin: String) throws -> ProfileFile {
    var result = base
    result.processor.name = file.name
    result.processor.title = file.processor
    result.geometry = file.geometry
    result.features = file.features
    result.processor.frequencyMHz = Quantity(
      low: 1000, value: base.processor.frequencyMHz.value, high: 5000, tag: .assumed,
      source: "schema 1 had no clock; give this processor's")
    var hypervisor = result.hypervisor
    hypervisor.name = file.name
    hypervisor.title = "as \(file.name) had it under schema 1; the rest as \(base.hypervisor.name)"
    result = CycleProfile(processor: result.processor, hypervisor: hypervisor)
    result.parameters = try CostParameter.allCases.flatMap { cost -> [CycleProfile.Parameter] in
      let given = file.parameters.filter { $0.name == cost.rawValue }.map {
        CycleProfile.Parameter(name: cost, low: $0.low, value: $0.value, high: $0.high, tag: $0.tag, source: $0.source)
      }
      return try given.isEmpty ? [added(cost, base: base, origin: origin)] : given
    }
    let json = try JSONEncoder().encode(ProfileFile(result))
    return try ProfileFile(json: json, origin: origin)
  }

  /// A cost that schema 1 did not have.
  private func added(_ cost: CostParameter, base: CycleProfile, origin: String) throws -> CycleProfile.Parameter {
    switch cost {
    case .dispatchAndEmulation:
      let parts = file.parameters.filter {
        $0.name == Self.emulateStore || $0.name == CostParameter.violationDispatch.rawValue
      }
      func sum(_ path: KeyPath<Cost, Double>) -> Double { parts.reduce(0) { $0 + $1[keyPath: path] } }
      let tag = parts.contains { $0.tag == .assumed } ? .assumed : parts.first?.tag ?? .assumed
      return CycleProfile.Parameter(
        name: cost, low: sum(\.low), value: sum(\.value), high: sum(\.high), tag: tag,
        source: parts.map { "\($0.name): \($0.source)" }.joined(separator: "; "))
    case .eptpChange:
      return CycleProfile.Parameter(
        name: cost, low: 0, value: 0, high: 0, tag: .derived, source: "schema 1 had all of it in eptp_write")
    case .refillWalk, .l1dFlush, .actionCount, .actionLog, .actionNotify, .actionBlock, .actionInject, .actionIsolate,
      .actionSuspend, .actionSnapshot, .actionPowerOff, .outsideAnswer:
      var taken = base.cost(of: cost)
      taken.tag = .assumed
      taken.source =
        "not in schema 1; as \(cost.half == .processor ? base.name : base.hypervisor.name): \(taken.source)"
      return taken
    default:
      throw ProfileError(description: "\(origin): parameter \(cost.rawValue) is given 0 times, expected once")
    }
  }
}
