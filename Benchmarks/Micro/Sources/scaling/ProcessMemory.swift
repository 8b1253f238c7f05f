import Foundation

/// The memory of this process.
enum ProcessMemory {
  /// A field of `/proc/self/status` or of the sum over all mappings, in bytes.
  static func bytes(_ field: String, in file: String = "status") throws -> Double {
    let lines = try String(contentsOfFile: "/proc/self/\(file)", encoding: .utf8).split(separator: "\n")
    let words = lines.first { $0.hasPrefix(field + ":") }?.split(whereSeparator: \.isWhitespace) ?? []
    return words.dropFirst().first.flatMap { Double($0) }.map { $0 * 1024 } ?? 0
  }
}

/// Zeroed memory that asks for huge pages as far as it will be touched, so that this host's TLB is not what is measured.
final class HugePages {
  /// Where the memory starts, at a huge page.
  let start: UnsafeMutableRawPointer
  private let mapping: UnsafeMutableRawPointer
  private let mappedBytes: Int

  init(bytes: Int, touched: Int) {
    let huge = 2 << 20
    mappedBytes = bytes + 2 * huge
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    guard let mapping = mmap(nil, mappedBytes, PROT_READ | PROT_WRITE, flags, -1, 0), mapping != MAP_FAILED else {
      fatalError("no address space for \(bytes) bytes")
    }
    self.mapping = mapping
    start = mapping.alignedUp(toMultipleOf: huge)
    madvise(start, (touched + huge - 1) & ~(huge - 1), MADV_HUGEPAGE)
  }

  deinit { munmap(mapping, mappedBytes) }
}
