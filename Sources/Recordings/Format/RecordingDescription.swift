/// What a recording is of and how it was made: everything about a trace that its records do not say themselves.
///
/// The recorder writes it as JSON beside its stream; it becomes the `recording` of the trace header.
public struct RecordingDescription: Codable, Hashable, Sendable {
  /// One line: what was recorded.
  public var title: String
  /// Where the records come from: `recorded`, `imported` or `synthetic`.
  public var origin: Origin
  /// What the pages of the records are.
  public var addresses: AddressSpace
  /// The guest.
  public var guest: Guest
  /// The tool that recorded, converted or generated, with everything needed to do it again.
  public var recorder: Recorder
  /// Names of the marks.
  public var marks: [NamedMark]
  /// Protected things, by exact bytes.
  public var regions: [Region]
  /// Symbols of the kernel image, to name pages by.
  public var symbols: [Symbol]
  /// What the attacks in the recording really did.
  public var groundTruth: [GroundTruth]
  /// Remarks: what was cut, assumed, left out.
  public var notes: [String]
  /// What the log of another tool is that the records come from; nil where they come from none, or nothing is known of it.
  public var log: RecordedLog?
  /// What the guest was put to, the same word in every recording of it: `redis`. Recordings of one workload are compared with each other.
  public var workload: String?
  /// Which recording of the workload this is, from 1.
  public var replicate: Int?
  /// How many instructions of a vCPU pass in a second of the guest's time; nil where the recorder does not tie the two.
  public var instructionsPerSecond: UInt64?
  /// The mark from which loads and fetches are recorded; nil for the start, or where there are none.
  public var accessesFrom: String?
  /// What the recording was cut out of; nil for a whole one.
  public var cut: RecordingPart?

  /// Where records come from.
  public enum Origin: String, Codable, Sendable {
    /// A guest made them, a recorder saw them.
    case recorded
    /// Another tool's log holds them.
    case imported
    /// A generator made them up.
    case synthetic
  }

  /// What the pages of the records are.
  public enum AddressSpace: String, Codable, Sendable {
    /// Guest-physical pages.
    case guestPhysical = "guest-physical"
    /// The source knows virtual addresses only: the page numbers are frames assigned in the order of first touch, and the
    /// linear-pages column holds the virtual pages.
    case virtual
  }

  /// The guest that was recorded.
  public struct Guest: Codable, Hashable, Sendable {
    /// The kernel's release, as `uname -r` says.
    public var kernel: String?
    /// The kernel's package with its version, such as `linux-image-6.1.0-42-amd64 6.1.159-1`.
    public var kernelPackage: String?
    /// The kernel's command line.
    public var commandLine: String?
    /// Bytes of guest memory, which starts at guest-physical address 0.
    public var ramBytes: UInt64?
    /// Number of vCPUs.
    public var vcpus: Int?

    enum CodingKeys: String, CodingKey {
      case kernel
      case kernelPackage = "kernel_package"
      case commandLine = "command_line"
      case ramBytes = "ram_bytes"
      case vcpus
    }

    /// A guest from what is known of it.
    public init(
      kernel: String? = nil, kernelPackage: String? = nil, commandLine: String? = nil, ramBytes: UInt64? = nil,
      vcpus: Int? = nil
    ) {
      self.kernel = kernel
      self.kernelPackage = kernelPackage
      self.commandLine = commandLine
      self.ramBytes = ramBytes
      self.vcpus = vcpus
    }
  }

  /// The tool that made the records.
  public struct Recorder: Codable, Hashable, Sendable {
    /// The tool's name.
    public var name: String
    /// The tool's version.
    public var version: String?
    /// How it was started.
    public var flags: String?
    /// Packages that took part, with version and digest.
    public var packages: [Package]

    /// A recorder from what is known of it.
    public init(name: String, version: String? = nil, flags: String? = nil, packages: [Package] = []) {
      self.name = name
      self.version = version
      self.flags = flags
      self.packages = packages
    }

    /// A recorder; absent packages are none.
    public init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: CodingKeys.self)
      name = try values.decode(String.self, forKey: .name)
      version = try values.decodeIfPresent(String.self, forKey: .version)
      flags = try values.decodeIfPresent(String.self, forKey: .flags)
      packages = try values.decodeIfPresent([Package].self, forKey: .packages) ?? []
    }
  }

  /// A package that took part in a recording.
  public struct Package: Codable, Hashable, Sendable {
    /// The package's name.
    public var name: String
    /// Its version.
    public var version: String
    /// The SHA-256 of the package file, in hexadecimal.
    public var sha256: String?

    /// A package by name, version and digest.
    public init(name: String, version: String, sha256: String? = nil) {
      self.name = name
      self.version = version
      self.sha256 = sha256
    }
  }

  /// The name of a mark.
  public struct NamedMark: Codable, Hashable, Sendable {
    /// The id that the records carry.
    public var id: UInt64
    /// The name.
    public var name: String

    /// A name for a mark.
    public init(id: UInt64, name: String) {
      self.id = id
      self.name = name
    }
  }

  /// A protected thing by its exact bytes; several ranges may share an id.
  public struct Region: Codable, Hashable, Sendable {
    /// The id that hypercalls carry.
    public var id: UInt64
    /// The name.
    public var name: String
    /// The guest-physical address of the first byte.
    public var gpa: UInt64
    /// How many bytes.
    public var bytes: UInt64

    /// A region from its fields.
    public init(id: UInt64, name: String, gpa: UInt64, bytes: UInt64) {
      self.id = id
      self.name = name
      self.gpa = gpa
      self.bytes = bytes
    }
  }

  /// A symbol of the kernel image.
  public struct Symbol: Codable, Hashable, Sendable {
    /// The name.
    public var name: String
    /// The guest-physical address of the first byte.
    public var gpa: UInt64
    /// How many bytes; 0 if unknown.
    public var size: UInt64

    /// A symbol from its fields.
    public init(name: String, gpa: UInt64, size: UInt64) {
      self.name = name
      self.gpa = gpa
      self.size = size
    }
  }

  /// One act of an attack in the recording: the bytes it really wrote, or the hypercall it made.
  public struct GroundTruth: Codable, Hashable, Sendable {
    /// The attack, such as `A4` or `syscall-hook`.
    public var attack: String
    /// What it did.
    public var act: String
    /// How: by a store, by a hypercall, or by the store that undid it.
    public var kind: Kind
    /// The name of the mark that precedes it.
    public var mark: String
    /// The guest-physical address of the first byte written, or of the hypercall instruction.
    public var gpa: UInt64
    /// How many bytes are written there, or the instruction's length.
    public var bytes: UInt64
    /// The name of the region that should be reported; `refused` for a hypercall, `none` where nothing is protected.
    public var expected: String

    /// How an act is done.
    public enum Kind: String, Codable, Sendable {
      /// A store.
      case write
      /// A store that puts back what was there before.
      case restore
      /// A hypercall.
      case hypercall
    }

    /// One act of an attack.
    public init(
      attack: String, act: String, kind: Kind, mark: String, gpa: UInt64, bytes: UInt64, expected: String
    ) {
      self.attack = attack
      self.act = act
      self.kind = kind
      self.mark = mark
      self.gpa = gpa
      self.bytes = bytes
      self.expected = expected
    }
  }

  enum CodingKeys: String, CodingKey {
    case title, origin, addresses, guest, recorder, marks, regions, symbols, notes, log, workload, replicate, cut
    case groundTruth = "ground_truth"
    case instructionsPerSecond = "instructions_per_second"
    case accessesFrom = "accesses_from"
  }

  /// A description with nothing in its tables.
  public init(
    title: String, origin: Origin, addresses: AddressSpace = .guestPhysical, guest: Guest = Guest(),
    recorder: Recorder
  ) {
    self.title = title
    self.origin = origin
    self.addresses = addresses
    self.guest = guest
    self.recorder = recorder
    marks = []
    regions = []
    symbols = []
    groundTruth = []
    notes = []
  }

  /// Any value under this key has a decoder leave the symbols out: the longest table by far, and few readers want it.
  static var leavesSymbolsOut: CodingUserInfoKey { CodingUserInfoKey(rawValue: "leavesSymbolsOut")! }

  /// A description; absent tables are empty, an absent origin is `recorded`, absent addresses are guest-physical.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    title = try values.decode(String.self, forKey: .title)
    origin = try values.decodeIfPresent(Origin.self, forKey: .origin) ?? .recorded
    addresses = try values.decodeIfPresent(AddressSpace.self, forKey: .addresses) ?? .guestPhysical
    guest = try values.decode(Guest.self, forKey: .guest)
    recorder = try values.decode(Recorder.self, forKey: .recorder)
    marks = try values.decodeIfPresent([NamedMark].self, forKey: .marks) ?? []
    regions = try values.decodeIfPresent([Region].self, forKey: .regions) ?? []
    symbols =
      decoder.userInfo[Self.leavesSymbolsOut] == nil
      ? try values.decodeIfPresent([Symbol].self, forKey: .symbols) ?? [] : []
    groundTruth = try values.decodeIfPresent([GroundTruth].self, forKey: .groundTruth) ?? []
    notes = try values.decodeIfPresent([String].self, forKey: .notes) ?? []
    // Of a later version's log nothing is known, and the records stay readable.
    log = try? values.decodeIfPresent(RecordedLog.self, forKey: .log)
    workload = try values.decodeIfPresent(String.self, forKey: .workload)
    replicate = try values.decodeIfPresent(Int.self, forKey: .replicate)
    instructionsPerSecond = try values.decodeIfPresent(UInt64.self, forKey: .instructionsPerSecond)
    accessesFrom = try values.decodeIfPresent(String.self, forKey: .accessesFrom)
    cut = try values.decodeIfPresent(RecordingPart.self, forKey: .cut)
  }
}
