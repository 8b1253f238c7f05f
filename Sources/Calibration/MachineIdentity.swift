import CHost
import Foundation

/// The machine that is measured, as far as a profile's source needs to tell it.
package struct MachineIdentity: Equatable, Sendable {
  /// Processor model, as the kernel names it.
  package var processor: String
  /// Revision of the microcode, as the kernel gives it.
  package var microcode: String
  /// Release of the kernel.
  package var kernel: String
  /// Whether CPUID says that a hypervisor is below.
  package var isUnderHypervisor: Bool
  /// Day, as YYYY-MM-DD in UTC.
  package var date: String

  /// A machine in these words.
  package init(processor: String, microcode: String, kernel: String, isUnderHypervisor: Bool, date: String) {
    self.processor = processor
    self.microcode = microcode
    self.kernel = kernel
    self.isUnderHypervisor = isUnderHypervisor
    self.date = date
  }

  /// This machine, today.
  package static var current: MachineIdentity {
    let information = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let release = (try? String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8)) ?? "unknown"
    let day = ISO8601DateFormatter()
    day.formatOptions = [.withFullDate]
    return MachineIdentity(
      processor: field("model name", of: information), microcode: field("microcode", of: information),
      kernel: release.trimmingCharacters(in: .whitespacesAndNewlines),
      isUnderHypervisor: chost_is_under_hypervisor() != 0, date: day.string(from: Date()))
  }

  /// The first value of a field of `/proc/cpuinfo`.
  static func field(_ name: String, of information: String) -> String {
    for line in information.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 1)
      if parts.count == 2, parts[0].trimmingCharacters(in: .whitespaces) == name {
        return parts[1].trimmingCharacters(in: .whitespaces)
      }
    }
    return "unknown"
  }

  /// The machine for a profile's source.
  var words: String {
    "\(processor), microcode \(microcode), Linux \(kernel), \(date)" + (isUnderHypervisor ? ", under a hypervisor" : "")
  }
}
