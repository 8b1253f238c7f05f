import Foundation

/// Why a profile was refused: one sentence with place, finding, expectation and remedy.
public struct ProfileError: Error, CustomStringConvertible, Equatable {
  /// The sentence.
  public let description: String
}

extension ProfileFile {
  /// The greatest profile that is read, in bytes.
  public static let sizeLimit = 1 << 20

  /// A file from JSON, every rule checked; `origin` names it in errors.
  ///
  /// Throws ``ProfileError``.
  public init(json: Data, origin: String) throws {
    let root = try ProfileReader.object(in: json, origin: origin)
    if let schema = root["schema"] as? Int, schema != Self.schema {
      throw ProfileError(
        description: "\(origin): schema is \(schema), expected \(Self.schema); "
          + (schema == 1
            ? "convert it by `gi-bench profile convert \(origin) NEW.json`"
            : "this gi-bench reads schema \(Self.schema) only"))
    }
    self = try ProfileReader.decode(ProfileFile.self, from: json, origin: origin)
    try ProfileReader.rejectUnknownKeys(in: root, origin: origin)
    guard processor != nil || hypervisor != nil else {
      throw ProfileError(
        description: "\(origin): holds neither a processor nor a hypervisor, expected one of them or both; add one "
          + "(`gi-bench profile show --format json` prints both)")
    }
    try processor?.validate(at: "\(origin): processor")
    try hypervisor?.validate(at: "\(origin): hypervisor")
  }
}

extension ProcessorProfile {
  fileprivate func validate(at place: String) throws {
    try ProfileReader.checkName(name, at: place)
    try frequencyMHz.bracket.validate(frequencyMHz.source, 1...100_000, "MHz", at: "\(place).frequency_mhz")
    try geometry.validate(at: "\(place).geometry")
    for parameter in parameters {
      guard parameter.on == nil else {
        throw ProfileError(
          description:
            "\(place): parameter \(parameter.name.rawValue) has \"on\", expected none in a processor; remove it")
      }
    }
    try ProfileReader.check(parameters, of: .processor, at: place)
  }
}

extension HypervisorProfile {
  fileprivate func validate(at place: String) throws {
    try ProfileReader.checkName(name, at: place)
    try handlerLines.bracket.validate(handlerLines.source, 0...100_000, "lines", at: "\(place).handler_lines")
    try mmuLockHold.bracket.validate(mmuLockHold.source, 0...1e9, "ns", at: "\(place).mmu_lock_hold")
    var seen: Set<String> = []
    for (i, consumer) in consumers.enumerated() {
      let place = "\(place).consumers[\(i)]"
      try ProfileReader.checkName(consumer.name, at: place)
      guard seen.insert(consumer.name).inserted else {
        throw ProfileError(description: "\(place): a second consumer is named \(consumer.name); rename one")
      }
      guard consumer.p50Nanoseconds >= 0, consumer.p50Nanoseconds <= consumer.p99Nanoseconds,
        consumer.p99Nanoseconds <= 1e12
      else {
        throw ProfileError(
          description: "\(place): \(consumer.p50Nanoseconds), \(consumer.p99Nanoseconds) is not "
            + "0 <= p50_ns <= p99_ns <= 1e12; order them")
      }
      guard !consumer.source.isEmpty else {
        throw ProfileError(description: "\(place) has no source, expected where the times come from")
      }
    }
    try ProfileReader.check(parameters, of: .hypervisor, at: place)
  }
}

extension Bracket {
  /// Refuses what is no range of a unit, or has no source.
  func validate(_ source: String, _ range: ClosedRange<Double>, _ unit: String, at place: String) throws {
    guard low.isFinite, value.isFinite, high.isFinite else {
      throw ProfileError(description: "\(place) is not a number, expected finite \(unit)")
    }
    guard low >= range.lowerBound else {
      throw ProfileError(
        description: "\(place): low is \(low), expected \(Int(range.lowerBound)) or more \(unit)")
    }
    guard low <= value, value <= high, high <= range.upperBound else {
      let most = range.upperBound < 1e6 ? String(Int(range.upperBound)) : "1e9"
      throw ProfileError(
        description: "\(place): \(low), \(value), \(high) is not low <= value <= high <= \(most); order them")
    }
    guard !source.isEmpty else {
      throw ProfileError(description: "\(place) has no source, expected where the value comes from")
    }
  }
}
