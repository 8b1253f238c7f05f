import ArgumentParser
import Calibration
import Foundation
import Replay
import Report

/// `gi-bench profile measure`: the costs of this machine.
struct ProfileMeasure: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "measure", abstract: "Measure the costs of this machine, as far as it allows, and write a profile.",
    discussion: """
      Three parts, each of which needs more of the machine: a plain program (memory levels, second-level TLB, locked \
      stores, our own tree and ring); a guest through /dev/kvm (VMCALL, EPT violation, emulated store, dirty log); with \
      --module, as root, a kernel module with a guest of its own (exit and entry, VMFUNC, EPTP, INVEPT, #VE, sub-pages). \
      They are compiled here, so a C compiler is needed, and for the module the kernel's headers. What was not measured \
      keeps value and evidence of --profile; one line each says what that is, and why. Nothing stays installed or loaded.

      Under a hypervisor only the plain part runs. --functional runs the others there all the same, as a test of their \
      programs: the profile then says in every source that it is no measurement.

      EXAMPLES:
        gi-bench profile measure --output mine.json
        gi-bench traces/boot.trace --profile mine.json

      \(ExitStatus.help)
      """)

  @OptionGroup(title: "Start") var start: ProfileOption

  @Flag(help: "Also build and load the kernel module, which unloads itself; needs root.") var module = false

  @Flag(help: "Run every part wherever it can run, as a test: the profile is not a measurement.") var functional = false

  @Option(help: "How many samples of each figure.") var samples = 10_000

  @Option(help: ArgumentHelp("End a program that takes longer.", valueName: "seconds")) var timeLimit = 120.0

  @Option(name: .shortAndLong, help: ArgumentHelp("The profile to write; - is the standard output.", valueName: "file"))
  var output = OutputOptions.standardOutput

  func validate() throws {
    guard (1...1_000_000).contains(samples) else {
      throw ValidationError("\(samples) samples; give 1 to 1000000, 10000 is the default")
    }
    guard (1...3600).contains(timeLimit) else {
      throw ValidationError("a time limit of \(timeLimit) seconds; give 1 to 3600, 120 is the default")
    }
  }

  func run() throws {
    #if !arch(x86_64)
      throw Failure(
        "this is no x86-64 machine, and has none of the costs of an Intel processor; run this on one that has")
    #endif
    let base = try start.profile()
    try OutputClaims.check([output], inputs: start.files)
    let file = output == OutputOptions.standardOutput ? nil : try OutputFile(output)
    if module, geteuid() != 0 {
      throw Failure("--module loads a kernel module, which only root may; run this with sudo")
    }
    _ = try CalibrationRun.compiler()
    let result = try Interruption.held { try measure(startingFrom: base) }
    guard !result.profile.measured.isEmpty else {
      throw Failure("nothing could be measured, and no profile is written; " + (result.failures.first ?? "see --help"))
    }
    let report = TextExporter(width: ConsoleOptions.columns).export([result.profile.document(startingFrom: base)])
    let json = try JSONExporter.encode(ProfileFile(result.profile.profile))
    if let file {
      try file.write(json)
      try OutputFile.writeStandardOutput(report)
    } else {
      StandardError.write(report)
      try OutputFile.writeStandardOutput(json)
    }
    if let failure = result.failures.first { throw Failure(failure) }
  }

  /// The profile, and the parts that came to nothing.
  private func measure(startingFrom base: CycleProfile) throws -> (profile: MeasuredProfile, failures: [String]) {
    let machine = MachineIdentity.current
    let rules = CalibrationRules(
      wantsModule: module, isFunctional: functional, isUnderHypervisor: machine.isUnderHypervisor, device: Self.device)
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let run = CalibrationRun(folder: folder, rules: rules, samples: samples, seconds: timeLimit)
    var outcomes: [CalibrationPart: MeasuredProfile.Outcome] = [:]
    for part in CalibrationPart.allCases where Interruption.pending == nil {
      if isatty(2) != 0, rules.refusal(of: part) == nil { StandardError.write("measuring: \(part.title)\n") }
      outcomes[part] = run.outcome(of: part)
    }
    let profile = MeasuredProfile(startingFrom: base, machine: machine, outcomes: outcomes, isFunctional: functional)
    let failures = CalibrationPart.allCases.compactMap { part in
      if case .failed(let reason) = outcomes[part] { "\(part.title): \(reason)" } else { nil }
    }
    return (profile, failures)
  }

  private static var device: CalibrationRules.KVMDevice {
    let descriptor = open("/dev/kvm", O_RDWR | O_CLOEXEC)
    guard descriptor < 0 else {
      close(descriptor)
      return .usable
    }
    return errno == EACCES || errno == EPERM ? .forbidden : .missing
  }
}

/// `gi-bench own-paths-sample`: the part of `profile measure` that times our own code, printed as its other programs print.
struct OwnPathsSample: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "own-paths-sample", abstract: "Our own part of `profile measure`.", shouldDisplay: false)

  @Argument(help: "How many samples of each figure.") var samples: Int

  func validate() throws {
    guard (1...1_000_000).contains(samples) else { throw ValidationError("\(samples) samples; give 1 to 1000000") }
  }

  func run() throws { try OutputFile.writeStandardOutput(OwnPaths(samples: samples).report().lines) }
}
