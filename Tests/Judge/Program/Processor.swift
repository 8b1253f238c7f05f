/// A processor that Bochs 2.7 can be, by what it offers to EPT. The image reports it before the first answer.
enum Processor: String, CaseIterable {
  /// Everything that Bochs knows.
  case tigerlake
  /// EPT as it was first: no flags, no 1-GiB pages, no VM functions, log or virtualization exceptions.
  case arrandale = "corei5_arrandale_m520"
  /// Before sub-page permissions and shadow stacks.
  case skylake = "corei7_skylake_x"

  /// The protocol's line for its capabilities.
  var capabilities: String {
    let has = self != .arrandale
    return
      "cap maxpa=40 xonly=1 x1g=\(has.digit) x2m=1 uc=1 wb=1 ad=\(has.digit) adv=0 cet=\((self == .tigerlake).digit) ve=\(has.digit)"
  }

  /// EPT has accessed and dirty flags; so come the log, virtualization exceptions, VM functions, SMEP and SMAP, 1-GiB pages.
  var isModern: Bool { self != .arrandale }

  /// What scenarios can be about on it.
  var kinds: [ScenarioKind] {
    switch self {
    case .tigerlake: ScenarioKind.allCases
    case .skylake: ScenarioKind.allCases.filter { ![.subpage, .shadow].contains($0) }
    case .arrandale: ScenarioKind.allCases.filter { ![.subpage, .shadow, .switching].contains($0) }
    }
  }

  /// The processor of a round: the one that can do most, twice as often.
  static func ofRound(_ number: Int) -> Processor { [.tigerlake, .arrandale, .tigerlake, .skylake][number % 4] }
}
