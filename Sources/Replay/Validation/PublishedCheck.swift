/// A published measurement held against what the model says.
package struct PublishedCheck: Codable, Equatable, Sendable {
  /// What a check proves.
  package enum Kind: String, CaseIterable, Codable, Sendable {
    /// It restates an input: it can only say that the input is still what was published.
    case identity
    /// The figure comes out of the modelled caches, or of several costs together; nothing was set to it.
    case emergent
    /// A figure that no cost was set from, kept apart to be predicted.
    case heldOut = "held-out"
  }

  /// What came out.
  package enum Verdict: String, Codable, Sendable {
    /// The modelled value lies within what was published.
    case reproduced
    /// Only part of the modelled bracket does.
    case withinBracket = "within_bracket"
    /// Nothing of the modelled bracket does.
    case missed
  }

  /// What was measured, with its unit.
  package let name: String
  /// The profile that models it.
  package let profile: String
  /// What it proves.
  package let kind: Kind
  /// What the model says.
  package let modelled: Bracket
  /// Least published value.
  package let publishedLow: Double
  /// Greatest published value.
  package let publishedHigh: Double
  /// Who published it.
  package let source: String
  /// What came out.
  package let verdict: Verdict
  /// Why the model misses it, where that is known beforehand; nil for any other check.
  package internal(set) var knownMiss: String?

  init(
    _ name: String, of profile: String, _ kind: Kind, modelled: Bracket, published low: Double, to high: Double,
    source: String
  ) {
    self.name = name
    self.profile = profile
    self.kind = kind
    self.modelled = modelled
    publishedLow = low
    publishedHigh = high
    self.source = source
    verdict =
      low <= modelled.value && modelled.value <= high
      ? .reproduced : modelled.low <= high && modelled.high >= low ? .withinBracket : .missed
  }

  enum CodingKeys: String, CodingKey {
    case name, profile, kind, modelled, source, verdict
    case publishedLow = "published_low"
    case publishedHigh = "published_high"
    case knownMiss = "known_miss"
  }

  /// Whether the outcome is news: a miss that nobody knew of, or a known miss that is none any more.
  package var isNews: Bool { (verdict == .missed) != (knownMiss != nil) }
}

extension PublishedCheck {
  /// Every check of the embedded profiles, kind by kind, the ones that prove most last.
  package static func all() throws -> [PublishedCheck] {
    var checks: [PublishedCheck] = []
    for name in ProfileLibrary.names {
      guard let profile = try ProfileLibrary.profile(named: name) else { continue }
      if name == ProfileLibrary.defaultName { checks += coldWalk(of: profile) }
      checks += knees(of: profile) + setCosts(of: profile) + walkPenalties(of: profile)
      checks += dirtyTracking(of: profile) + predictions(of: profile) + contention(of: profile)
    }
    let known = try KnownMiss.all()
    for i in checks.indices {
      checks[i].knownMiss = known.first { $0.profile == checks[i].profile && $0.check == checks[i].name }?.reason
    }
    return Kind.allCases.flatMap { kind in checks.filter { $0.kind == kind } }
  }
}
