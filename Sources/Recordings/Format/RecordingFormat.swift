/// The numbers of the file format: magics, version, and the limits that bound what a hostile file can make a reader allocate.
///
/// A file is, little endian throughout:
///
/// ```
/// preface   magic (8), version (u32), header bytes (u32), their XXH3-64 (u64), bytes of JSON (u64)
/// header    one zstd frame of JSON, UTF-8 (`RecordingHeader`)
/// blocks    each a block header (`BlockHeader`), then its columns, each one zstd frame
/// index     for each block: file offset (u64), a copy of its block header
/// footer    index offset (u64), index bytes (u64), blocks (u64), XXH3-64 of the index (u64),
///           XXH3-128 of every byte of the file before this field (low u64, high u64), end magic (8)
/// ```
public enum RecordingFormat {
  /// The versions that this code reads. It writes the first one that can hold what is written: loads, fetches, halts and changes
  /// of control registers need the second.
  public static let versions: ClosedRange<UInt32> = 1...2

  /// "\x89GITRC\r\n": a text-mode transfer damages it.
  static let magic: UInt64 = 0x0a0d_4352_5449_4789
  /// "GITREND\n".
  static let endMagic: UInt64 = 0x0a44_4e45_5254_4947
  /// "GIBLOCK\n".
  static let blockMagic: UInt64 = 0x0a4b_434f_4c42_4947
  static let prefaceBytes = 32
  static let footerBytes = 56
  /// The digest and the end magic: what the digest does not cover.
  static let undigestedBytes = 24

  /// The most bytes of header JSON.
  static let maximumHeaderBytes = 16 << 20
  /// The most bytes of block index.
  static let maximumIndexBytes = 64 << 20
  /// The most vCPUs of a trace: the width of the field in a run.
  public static let maximumVCPUs = 256
  /// The most runs of a block.
  public static let maximumRuns = 1 << 20
  /// The most accesses of a block.
  public static let maximumAccesses = 1 << 23
  /// The most loads or fetches of one page that a record can tell of.
  static let maximumRecordedAccesses = 1 << 32
  /// The most runs of loads of a block, and the most of fetches.
  public static let maximumAccessRuns = 1 << 21
  /// The most events of a block.
  public static let maximumEvents = 1 << 18
  /// Instruction counts lie below this, so that sums of a block's differences cannot wrap.
  static let maximumCount: UInt64 = 1 << 62
  /// One past the highest page number of a run.
  static let maximumPages: UInt64 = 1 << 32
}
