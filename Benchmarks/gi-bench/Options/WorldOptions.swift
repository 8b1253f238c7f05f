import ArgumentParser
import Replay

extension Structure.Refill: ExpressibleByArgument {}
extension Structure.Mitigations: ExpressibleByArgument {}

/// What is settled about the modelled world; what nobody settles counts in verdicts either way.
struct WorldOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What has to be walked for again after an INVEPT: what the TLBs held in the replay, or a full second-level TLB. If not given, figures are simulated and verdicts must hold both ways.",
      valueName: "simulated|full"))
  var refill: Structure.Refill?

  @Option(
    help: ArgumentHelp(
      "Whether the hypervisor flushes the first-level data cache after emulated stores, on processors with L1TF. If not given, figures are without and verdicts must hold both ways.",
      valueName: "off|on"))
  var mitigations: Structure.Mitigations?

  /// The choices; hypervisors are open where none was named.
  func choices(isHypervisorNamed: Bool) throws -> StructuralChoices {
    StructuralChoices(
      refill: refill, mitigations: mitigations,
      otherHypervisors: isHypervisorNamed ? [] : try ProfileLibrary.hypervisors())
  }
}
