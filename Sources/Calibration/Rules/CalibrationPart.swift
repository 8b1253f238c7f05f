import Replay

/// A part of the measurements, by what it needs of the machine; in the order in which they run.
package enum CalibrationPart: String, CaseIterable, Sendable {
  /// Anybody's program: memory levels, second-level TLB, locked stores, and our own tree and ring.
  case plain
  /// A program that runs a guest through `/dev/kvm`.
  case kvm
  /// A kernel module with a guest of its own.
  case module

  /// What reports call it.
  package var title: String {
    switch self {
    case .plain: "plain program"
    case .kvm: "/dev/kvm"
    case .module: "kernel module"
    }
  }

  /// The costs it is there for.
  package var costs: [CostParameter] { CostRule.all.filter { $0.part == self }.map(\.cost) }
}
