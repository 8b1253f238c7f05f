import ArgumentParser
import Recordings

extension RecordingDescription.AddressSpace: ExpressibleByArgument {
  /// The space of this name.
  public init?(argument: String) { self.init(rawValue: argument) }
  /// The names of all spaces.
  public static var allValueStrings: [String] { [Self.guestPhysical, .virtual].map(\.rawValue) }
}

/// What is known of a log that it does not say itself, and what of it is wanted.
struct ImportOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Where the guest's memory ends, such as 512M or 4G: stores beyond are left out, and policies may name all below.",
      valueName: "size"))
  var ram: MemorySize?

  @Option(
    name: .customLong("task"),
    help: ArgumentHelp(
      "Import the stores of this task or process only; repeatable, for each vCPU's task of one machine.",
      valueName: "pid"))
  var tasks: [UInt64] = []

  @Option(
    help: ArgumentHelp(
      "What the addresses of a text are if it does not say: guest-physical (the default) or virtual.",
      valueName: "space"))
  var addresses: RecordingDescription.AddressSpace?

  @Flag(
    help: "Number frames by first touch and keep the true pages in a column; automatic where addresses exceed 64 GiB.")
  var numberFrames = false

  @Option(
    help: ArgumentHelp(
      "Name the guest kernel's symbols from its System.map or /proc/kallsyms, for policies and reports.",
      valueName: "file"),
    completion: .file())
  var symbols: String?

  @Option(
    help: ArgumentHelp(
      "Where the kernel lies: the guest-physical address of _text (\"Kernel code\" in the guest's /proc/iomem). Default: where it is linked.",
      valueName: "address"))
  var kernelBase: HexadecimalAddress?

  func validate() throws {
    if kernelBase != nil, symbols == nil {
      throw ValidationError("--kernel-base moves symbols, and there are none; give --symbols, or leave it out")
    }
  }

  /// As the import takes them.
  func text(isLenient: Bool) -> TextImport.Options {
    TextImport.Options(
      ramBytes: ram?.bytes, tasks: Set(tasks), addresses: addresses, numbersFrames: numberFrames, isLenient: isLenient)
  }

  /// Whether any is given, which only an import has use for.
  var isGiven: Bool { isOfTexts || ram != nil || symbols != nil || kernelBase != nil }

  /// Whether one is given that only a text has use for.
  var isOfTexts: Bool { !tasks.isEmpty || addresses != nil || numberFrames }
}

/// A size of memory: bytes, or a number with K, M, G or T behind.
struct MemorySize: ExpressibleByArgument {
  let bytes: UInt64

  init?(argument: String) {
    var text = argument[...]
    var shift: UInt64 = 0
    if let place = "KMGT".firstIndex(of: Character(text.suffix(1).uppercased())), text.count > 1 {
      shift = UInt64(10 * ("KMGT".distance(from: "KMGT".startIndex, to: place) + 1))
      text = text.dropLast()
    }
    guard let number = HexadecimalAddress(argument: String(text))?.value, number > 0, number <= (1 << 52) >> shift
    else { return nil }
    bytes = number << shift
  }
}

/// A number, hexadecimal behind 0x.
struct HexadecimalAddress: ExpressibleByArgument {
  let value: UInt64

  init?(argument: String) {
    let isHexadecimal = argument.hasPrefix("0x")
    guard let value = UInt64(isHexadecimal ? argument.dropFirst(2) : argument[...], radix: isHexadecimal ? 16 : 10)
    else {
      return nil
    }
    self.value = value
  }
}
