import Replay

/// What makes two results speak of the same thing.
enum Likeness {
  /// In what two results differ that must not differ, in words; empty where they can be compared.
  static func differences(_ a: RunResult, _ b: RunResult, ofOneRecording: Bool = true) -> [String] {
    var differences: [String] = []
    if ofOneRecording, a.trace.digest != b.trace.digest {
      differences.append("the recordings differ (digest \(a.trace.digest) and \(b.trace.digest))")
    }
    if a.dimensions != b.dimensions {
      differences.append("the dimensions differ (\(a.dimensions ?? 1) and \(b.dimensions ?? 1))")
    }
    if let words = a.policy.differences(from: b.policy, ofOneRecording: ofOneRecording) {
      differences.append("the policies differ (\(words))")
    }
    if a.profile.name != b.profile.name {
      differences.append("the profiles differ (\(a.profile.name) and \(b.profile.name))")
    } else if let cost = firstDifferingCost(a.profile, b.profile) {
      differences.append("the profile \(a.profile.name) gives another \(cost.rawValue)")
    }
    if a.time != b.time { differences.append("the guest's pace, background exits or seed differ") }
    if a.consumer != b.consumer {
      differences.append("the consumers differ (\(a.consumer ?? "none") and \(b.consumer ?? "none"))")
    }
    return differences
  }

  private static func firstDifferingCost(_ a: ProfileDescription, _ b: ProfileDescription) -> CostParameter? {
    CostParameter.allCases.first { cost in
      func figures(_ profile: ProfileDescription) -> [Double]? {
        profile.parameters.first { $0.name == cost }.map { [$0.low, $0.value, $0.high] }
      }
      return figures(a) != figures(b)
    }
  }
}

extension RunResult {
  /// Who takes the alerts, in words; nil where no strategy raised any.
  var consumer: String? { strategies.lazy.compactMap(\.notifications.consumer).first?.words }
}

extension ConsumerFigures {
  /// `vmi, 22000 ns, a ring of 64, lose`.
  var words: String {
    let time =
      wakeNanoseconds.map { "woken in \(Figure.number($0)) ns" } ?? "\(Figure.number(serviceNanoseconds.value)) ns"
    return "\(name), \(time), a ring of \(ring), \(full.rawValue)"
  }
}

extension PolicyDescription {
  /// In what two policies differ; nil where they are the same. Another recording has its regions elsewhere.
  fileprivate func differences(from other: PolicyDescription, ofOneRecording: Bool) -> String? {
    if self == other { return nil }
    if words != other.words { return "\(words) and \(other.words)" }
    if !ofOneRecording { return nil }
    let (mine, theirs) = (regions ?? [], other.regions ?? [])
    if mine.map(\.name) != theirs.map(\.name) {
      let lone = Set(mine.map(\.name)).symmetricDifference(theirs.map(\.name)).sorted()
      return lone.isEmpty
        ? "\(words), with its regions in another order" : "\(words), in one only: \(lone.joined(separator: ", "))"
    }
    if let region = zip(mine, theirs).first(where: { $0 != $1 }) {
      return "\(words), the region \(region.0.name) is another one"
    }
    return "\(words), of other files"
  }

  private var words: String { arm.map { "\(name) armed by mark \($0)" } ?? name }
}
