import Foundation

/// The profiles that come with gi-bench, embedded in the binary: processors, and hypervisors.
public enum ProfileLibrary {
  /// The processor a run uses when none is named.
  public static let defaultName = "skylake-sp"
  /// The hypervisor a run uses when none is named.
  public static let defaultHypervisorName = "kvm"

  /// Name and contents of every embedded processor, oldest first.
  static let files: [(name: String, bytes: [UInt8])] = [
    ("haswell-ep", PackageResources.haswell_ep_json),
    ("skylake-sp", PackageResources.skylake_sp_json),
    ("icelake-sp", PackageResources.icelake_sp_json),
    ("sapphire-rapids", PackageResources.sapphire_rapids_json),
  ]

  /// Name and contents of every embedded hypervisor, the shortest paths first.
  static let hypervisorFiles: [(name: String, bytes: [UInt8])] = [
    ("bare", PackageResources.bare_json), ("kvm", PackageResources.kvm_json),
    ("xen-tool", PackageResources.xen_tool_json),
  ]

  /// The names that `--profile` takes, oldest processor first.
  public static var names: [String] { files.map(\.name) }
  /// The names that `--hypervisor` takes.
  public static var hypervisorNames: [String] { hypervisorFiles.map(\.name) }

  /// An embedded processor by name, under the default hypervisor; nil when there is none of that name.
  public static func profile(named name: String) throws -> CycleProfile? {
    guard let file = files.first(where: { $0.name == name }) else { return nil }
    return try CycleProfile(json: Data(file.bytes), origin: "profile \(name)")
  }

  /// An embedded hypervisor by name; nil when there is none of that name.
  public static func hypervisor(named name: String) throws -> HypervisorProfile? {
    guard let file = hypervisorFiles.first(where: { $0.name == name }) else { return nil }
    return try ProfileFile(json: Data(file.bytes), origin: "hypervisor \(name)").hypervisor
  }

  /// Every embedded hypervisor.
  public static func hypervisors() throws -> [HypervisorProfile] { try hypervisorNames.compactMap(hypervisor) }

  static func defaultHypervisor() throws -> HypervisorProfile {
    guard let hypervisor = try hypervisor(named: defaultHypervisorName) else {
      throw ProfileError(description: "hypervisor \(defaultHypervisorName): not embedded; build gi-bench anew")
    }
    return hypervisor
  }
}
