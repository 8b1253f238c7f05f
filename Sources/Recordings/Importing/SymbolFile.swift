/// A kernel's symbols from a file that lists them, `System.map` or `/proc/kallsyms`: `ADDRESS TYPE NAME [MODULE]` a line.
public enum SymbolFile {
  /// Where x86-64 kernels are linked: the image's linear addresses less this are physical, unless it was moved at boot.
  private static let linkBase: UInt64 = 0xffff_ffff_8000_0000

  /// Reads the symbols of the kernel image, sorted by address, each as long as up to the next.
  ///
  /// - Parameters:
  ///   - path: the file, `-` for the standard input
  ///   - kernelBase: the guest-physical address of `_text`, which the guest's `/proc/iomem` calls "Kernel code"; nil for a kernel that
  ///     was not moved
  ///   - addresses: for a log of virtual addresses, the symbols stay where they are, and all of them count
  public static func read(
    _ path: String, kernelBase: UInt64?, addresses: RecordingDescription.AddressSpace
  ) throws(RecordingError) -> [RecordingDescription.Symbol] {
    let lines = try LineReader(InputStream(path: path))
    var found: [(address: UInt64, name: String)] = []
    var zeros = 0
    while let line = try lines.next() {
      var scanner = TextScanner(line)
      scanner.skipSpaces()
      if scanner.isAtEnd { continue }
      guard let address = scanner.hexadecimal(), scanner.take(0x20), scanner.peek != nil else {
        throw failure(lines, "\"\(String(decoding: line.prefix(60), as: UTF8.self))\"", "ADDRESS TYPE NAME")
      }
      scanner.drop(1)
      guard scanner.take(0x20) else {
        throw failure(lines, "\"\(String(decoding: line.prefix(60), as: UTF8.self))\"", "ADDRESS TYPE NAME")
      }
      let name = scanner.field(upTo: 0x20)
      // A module's symbols have it in brackets behind a tab.
      let end = name.firstIndex(of: 0x09) ?? name.count
      guard end == name.count, end > 0, end <= 256 else { continue }
      if address == 0 { zeros += 1 }
      let text = String(decoding: name, as: UTF8.self)
      if isNoise(text) { continue }
      found.append((address, text))
    }
    guard found.contains(where: { $0.address != 0 }) else {
      throw RecordingError(
        .input, file: lines.name, found: zeros > 0 ? "addresses that are all 0" : "no symbol",
        expected: "ADDRESS TYPE NAME",
        remedy: "read /proc/kallsyms as root of the guest, with kernel.kptr_restrict at most 1")
    }
    if addresses == .guestPhysical { found = try image(found, kernelBase, lines) }
    return sized(found)
  }

  /// The symbols of the kernel image by guest-physical address.
  private static func image(
    _ found: [(address: UInt64, name: String)], _ kernelBase: UInt64?, _ lines: LineReader
  ) throws(RecordingError) -> [(address: UInt64, name: String)] {
    guard let start = (found.first { $0.name == "_text" } ?? found.first { $0.name == "_stext" })?.address,
      start >= linkBase
    else {
      throw RecordingError(
        .input, file: lines.name, found: "no _text in the upper 2 GiB", expected: "the symbols of an x86-64 kernel",
        remedy: "take System.map or /proc/kallsyms of the guest's kernel")
    }
    let end = found.first { $0.name == "_end" }?.address ?? start.addingReportingOverflow(1 << 30).partialValue
    let base = kernelBase ?? start - linkBase
    return found.filter { $0.address >= start && $0.address <= end }.map { ($0.address - start &+ base, $0.name) }
  }

  private static func sized(_ found: [(address: UInt64, name: String)]) -> [RecordingDescription.Symbol] {
    let sorted = found.sorted { ($0.address, $0.name) < ($1.address, $1.name) }
    var symbols: [RecordingDescription.Symbol] = []
    symbols.reserveCapacity(sorted.count)
    var next = sorted.last?.address ?? 0
    var above = next
    for symbol in sorted.reversed() {
      if symbol.address != above { (next, above) = (above, symbol.address) }
      symbols.append(.init(name: symbol.name, gpa: symbol.address, size: next - symbol.address))
    }
    return symbols.reversed()
  }

  /// Names that tools made and nobody protects; they are a third of a kernel's.
  private static func isNoise(_ name: String) -> Bool {
    ["__ksymtab_", "__kstrtab", "__crc_", "__pfx_", "__cfi_", "__UNIQUE_ID", ".L", "__SCK__", "__tpstrtab_"].contains {
      name.hasPrefix($0)
    }
  }

  private static func failure(_ lines: LineReader, _ found: String, _ expected: String) -> RecordingError {
    RecordingError(
      .input, file: lines.name, line: lines.number, found: found, expected: expected,
      remedy: "take System.map or /proc/kallsyms of the guest's kernel")
  }
}
