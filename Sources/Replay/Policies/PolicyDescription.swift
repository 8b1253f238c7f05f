/// What was protected, from when, with which action.
public struct PolicyDescription: Codable, Equatable, Sendable {
  /// Name of the policy: `recorded-driver` or the policy file's name.
  public var name: String
  /// The mark that arms it; nil when it is armed by the recorded hypercalls.
  public var arm: String?
  /// Whether the driver that asks is `recorded` or `synthetic`; nil where no policy was given.
  public var driver: Driver?
  /// What a policy protects in this recording; nil where none was given.
  public var regions: [Region]?

  /// Who asks for a policy's protection.
  public enum Driver: String, Codable, Sendable {
    /// The recording's own driver, in its own windows.
    case recorded
    /// A driver behind the guest's memory: the recording has none.
    case synthetic
  }

  /// One region as it lies in the recording.
  public struct Region: Codable, Equatable, Sendable {
    /// Its name.
    public var name: String
    /// Its first byte, guest-physical.
    public var gpa: UInt64
    /// Its bytes.
    public var bytes: UInt64
    /// Stretches of bytes it lies in.
    public var ranges: Int
    /// Pages that hold one of its bytes.
    public var pages: UInt64
    /// Names of the actions, weakest first.
    public var actions: [String]
    /// Digest of the exact ranges, hexadecimal.
    public var digest: String
  }

  /// A description from its parts.
  public init(name: String, arm: String? = nil, driver: Driver? = nil, regions: [Region]? = nil) {
    self.name = name
    self.arm = arm
    self.driver = driver
    self.regions = regions
  }
}
