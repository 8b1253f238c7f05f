/// A processor whose random-access latencies were published: the caches that a chase's data and page tables compete for.
///
/// Sizes and ways are published (Intel 64 and IA-32 Architectures Optimization Reference Manual, the cache tables of each
/// microarchitecture). The last-level cache is that of eight cores, rounded to a power of two of sets; page tables of these
/// working sets fit it several times, so its size hardly matters.
struct MeasuredPart {
  /// The part, in words.
  let name: String
  /// First-level TLB for loads of 4 KiB pages.
  let smallTLB: CacheGeometry.SetAssociative
  /// First-level TLB for loads of 2 MiB pages.
  let largeTLB = CacheGeometry.SetAssociative(entries: 32, ways: 4)
  /// First-level, second-level and last-level data cache, in lines of 64 bytes.
  let lines: [CacheGeometry.SetAssociative]

  private init(_ name: String, smallTLB: (Int, ways: Int), lines: [(Int, ways: Int)]) {
    self.name = name
    self.smallTLB = .init(entries: smallTLB.0, ways: smallTLB.ways)
    self.lines = lines.map { .init(entries: $0.0, ways: $0.ways) }
  }

  /// 32 KiB, 256 KiB, 20 MiB.
  static let haswellEP = Self("Haswell-EP", smallTLB: (64, ways: 4), lines: [(512, 8), (4096, 8), (327_680, 20)])
  /// 32 KiB, 1 MiB, 11 MiB.
  static let skylakeX = Self("Skylake-X", smallTLB: (64, ways: 4), lines: [(512, 8), (16_384, 16), (180_224, 11)])
  /// 48 KiB, 1.25 MiB, 24 MiB; the 96-entry load TLB as 64, since sets are a power of two.
  static let alderLakeP = Self(
    "Alder Lake P", smallTLB: (64, ways: 4), lines: [(768, 12), (20_480, 10), (393_216, 12)])
}
