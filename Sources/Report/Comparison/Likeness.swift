import Replay

/// What makes two results speak of the same thing.
enum Likeness {
  /// In what two results differ that must not differ, in words; empty where they can be compared.
  static func differences(_ a: RunResult, _ b: RunResult) -> [String] {
    var differences: [String] = []
    if a.trace.digest != b.trace.digest {
      differences.append("the recordings differ (digest \(a.trace.digest) and \(b.trace.digest))")
    }
    if a.dimensions != b.dimensions {
      differences.append("the dimensions differ (\(a.dimensions ?? 1) and \(b.dimensions ?? 1))")
    }
    if a.policy != b.policy { differences.append("the policies differ (\(a.policy.words) and \(b.policy.words))") }
    if a.profile.name != b.profile.name {
      differences.append("the profiles differ (\(a.profile.name) and \(b.profile.name))")
    } else if let cost = firstDifferingCost(a.profile, b.profile) {
      differences.append("the profile \(a.profile.name) gives another \(cost.rawValue)")
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

extension PolicyDescription {
  fileprivate var words: String { arm.map { "\(name) armed by mark \($0)" } ?? name }
}
