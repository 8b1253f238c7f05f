import Foundation

/// A profile as a file holds it (schema 2): a processor, a hypervisor, or both.
public struct ProfileFile: Codable, Equatable, Sendable {
  /// The schema that is read and written.
  public static let schema = 2

  /// Schema version of the file.
  public var schema = Self.schema
  /// The silicon, if the file is about it.
  public var processor: ProcessorProfile?
  /// The software, if the file is about it.
  public var hypervisor: HypervisorProfile?

  /// A file of these halves.
  public init(processor: ProcessorProfile?, hypervisor: HypervisorProfile?) {
    self.processor = processor
    self.hypervisor = hypervisor
  }

  /// A file of both halves of a profile.
  public init(_ profile: CycleProfile) {
    self.init(processor: profile.processor, hypervisor: profile.hypervisor)
  }
}

extension CycleProfile {
  /// A profile from a file with a processor, every rule checked; `origin` names the file in errors. The hypervisor is the
  /// file's own, or else the default.
  ///
  /// Throws ``ProfileError``.
  public init(json: Data, origin: String) throws {
    let file = try ProfileFile(json: json, origin: origin)
    guard let processor = file.processor else {
      throw ProfileError(
        description:
          "\(origin): holds a hypervisor and no processor, expected a processor; give this file to --hypervisor")
    }
    self.init(processor: processor, hypervisor: try file.hypervisor ?? ProfileLibrary.defaultHypervisor())
  }
}
