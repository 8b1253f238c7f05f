/// The C sources of a part, which the program carries inside itself: they are compiled where they are to measure.
package struct ProgramSource: Sendable {
  /// A file by name.
  package struct File: Sendable {
    /// Its name, without folder.
    package let name: String
    /// What it holds.
    package let bytes: [UInt8]
  }

  /// What the compiled program, or the module, is called.
  package let name: String
  /// Every file, headers included.
  package let files: [File]

  /// The files that a C compiler is given.
  package var compiled: [String] { files.map(\.name).filter { $0.hasSuffix(".c") || $0.hasSuffix(".S") } }

  /// The program of a part; for ``CalibrationPart/module`` it is a kernel module with its Kbuild.
  package static func of(_ part: CalibrationPart) -> ProgramSource {
    switch part {
    case .plain: ProgramSource(name: "gi-plain", files: plain + shared)
    case .kvm: ProgramSource(name: "gi-kvm", files: kvm + shared)
    case .module: ProgramSource(name: "gi_calibration", files: module)
    }
  }

  private static let shared = [
    File(name: "report.h", bytes: PackageResources.report_h),
    File(name: "report.c", bytes: PackageResources.report_c),
    File(name: "processors.h", bytes: PackageResources.processors_h),
    File(name: "processors.c", bytes: PackageResources.processors_c),
  ]

  private static let plain = [
    File(name: "plain.h", bytes: PackageResources.plain_h),
    File(name: "plain.c", bytes: PackageResources.plain_c),
    File(name: "plain_clock.c", bytes: PackageResources.plain_clock_c),
    File(name: "plain_chase.c", bytes: PackageResources.plain_chase_c),
    File(name: "plain_memory.c", bytes: PackageResources.plain_memory_c),
    File(name: "plain_tlb.c", bytes: PackageResources.plain_tlb_c),
    File(name: "plain_locked.c", bytes: PackageResources.plain_locked_c),
  ]

  private static let kvm = [
    File(name: "kvm.h", bytes: PackageResources.kvm_h),
    File(name: "kvm.c", bytes: PackageResources.kvm_c),
    File(name: "kvm_guest.h", bytes: PackageResources.kvm_guest_h),
    File(name: "kvm_guest.S", bytes: PackageResources.kvm_guest_S),
    File(name: "kvm_machine.c", bytes: PackageResources.kvm_machine_c),
    File(name: "kvm_costs.c", bytes: PackageResources.kvm_costs_c),
    File(name: "kvm_events.c", bytes: PackageResources.kvm_events_c),
  ]

  private static let module = [
    File(name: "Kbuild", bytes: PackageResources.Kbuild),
    File(name: "module.h", bytes: PackageResources.module_h),
    File(name: "module_main.c", bytes: PackageResources.module_main_c),
    File(name: "module_vmx.c", bytes: PackageResources.module_vmx_c),
    File(name: "module_entry.c", bytes: PackageResources.module_entry_c),
    File(name: "module_memory.c", bytes: PackageResources.module_memory_c),
    File(name: "module_events.c", bytes: PackageResources.module_events_c),
    File(name: "module_costs.c", bytes: PackageResources.module_costs_c),
    File(name: "module_guest.h", bytes: PackageResources.module_guest_h),
    File(name: "module_guest.S", bytes: PackageResources.module_guest_S),
  ]
}
