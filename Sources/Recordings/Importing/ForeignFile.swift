/// A file that no import reads, known by its first bytes, and what to do with it.
struct ForeignFile {
  let name: String
  let remedy: String

  /// What the first bytes of an input are, if they are no text; up to 4096 are looked at.
  init?(firstBytes bytes: UnsafeRawBufferPointer) {
    func begins(_ magic: [UInt8], at offset: Int = 0) -> Bool {
      bytes.count >= offset + magic.count && bytes[offset..<offset + magic.count].elementsEqual(magic)
    }
    switch true {
    case begins([0x17, 0x08, 0x44] + Array("tracing".utf8)):
      self.init("trace-cmd's trace.dat", "write its text with `trace-cmd report FILE > log.txt`, and import that")
    case begins(Array("PERFILE2".utf8)) || begins(Array("PERFFILE".utf8)):
      self.init("perf's perf.data", "write its text with `perf script -i FILE > log.txt`, and import that")
    case begins([0x7f] + Array("ELF".utf8)):
      self.init("an ELF file, a program", "import the log that a tool writes of it")
    case begins([0xff, 0xfe, 0, 0]) || begins([0, 0, 0xfe, 0xff]):
      self.init("text in UTF-32", "convert it with `iconv -f UTF-32 -t UTF-8`")
    case begins([0xff, 0xfe]) || begins([0xfe, 0xff]) || Self.isWide(bytes):
      self.init("text in UTF-16", "convert it with `iconv -f UTF-16 -t UTF-8`; PowerShell's > writes it")
    case begins(Self.traceMagic):
      self.init("a trace of gi-bench already", "leave --from out")
    case begins([0xfd] + Array("7zXZ".utf8)):
      self.init("an xz archive", "unpack it with `xz -dc FILE | gi-bench trace convert - ...`")
    case begins(Array("BZh".utf8)) && begins([0x31, 0x41, 0x59, 0x26, 0x53, 0x59], at: 4):
      self.init("a bzip2 archive", "unpack it with `bzip2 -dc FILE | gi-bench trace convert - ...`")
    case begins([0x04, 0x22, 0x4d, 0x18]):
      self.init("an lz4 archive", "unpack it with `lz4 -dc FILE | gi-bench trace convert - ...`")
    case begins(Array("PK".utf8) + [3, 4]):
      self.init(
        "a zip archive",
        "unpack it; drmemtrace's own files are read by its view tool (`drrun -t drmemtrace -tool view`)")
    case begins(Array("ustar".utf8), at: 257):
      self.init("a tar archive", "unpack it, and import the log inside")
    case begins(Array("%PDF".utf8)), begins([0x89] + Array("PNG".utf8)):
      self.init("a picture or a document", "name the log")
    case bytes.prefix(512).contains(0):
      self.init("a binary file", "import the text that the tool writes")
    default: return nil
    }
  }

  private init(_ name: String, _ remedy: String) {
    self.name = name
    self.remedy = remedy
  }

  private static let traceMagic = (0..<8).map { UInt8(truncatingIfNeeded: RecordingFormat.magic >> UInt64(8 * $0)) }

  /// Whether every other byte is zero, as in UTF-16 text of English without a mark in front.
  private static func isWide(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let head = bytes.prefix(64)
    guard head.count >= 8 else { return false }
    let zeros = [0, 1].map { odd in head.indices.count { $0 & 1 == odd && head[$0] == 0 } }
    let half = head.count / 2
    return zeros[0] + 1 >= half && zeros[1] == 0 || zeros[1] + 1 >= half && zeros[0] == 0
  }
}
