import Foundation

/// The profiles that come with gi-bench, embedded in the binary.
public enum ProfileLibrary {
  /// The profile a run uses when none is named.
  public static let defaultName = "skylake-sp"

  /// Name and contents of every embedded profile, oldest processor first.
  static let files: [(name: String, bytes: [UInt8])] = [
    ("haswell-ep", PackageResources.haswell_ep_json),
    ("skylake-sp", PackageResources.skylake_sp_json),
    ("icelake-sp", PackageResources.icelake_sp_json),
    ("sapphire-rapids", PackageResources.sapphire_rapids_json),
  ]

  /// The names that `--profile` takes, oldest processor first.
  public static var names: [String] { files.map(\.name) }

  /// An embedded profile by name; nil when there is none of that name.
  public static func profile(named name: String) throws -> CycleProfile? {
    guard let file = files.first(where: { $0.name == name }) else { return nil }
    return try CycleProfile(json: Data(file.bytes), origin: "profile \(name)")
  }
}
