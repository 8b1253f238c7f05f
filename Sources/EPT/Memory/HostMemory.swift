import Glibc

/// The owner of a flat memory: zero pages from the operating system, taken lazily, given back when the owner dies.
public final class HostMemory: Sendable {
  /// The memory itself. It must not be used after the owner is gone.
  public let memory: FlatMemory

  /// Maps `byteCount` bytes (rounded up to 4 KiB pages); nil when the size is 0, beyond 2^46 bytes, or refused.
  public init?(byteCount: UInt64) {
    guard byteCount > 0, byteCount <= 1 << 46 else { return nil }
    let size = (byteCount + 0xfff) & ~0xfff
    let protection = PROT_READ | PROT_WRITE
    let flags = Int32(MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)
    guard let base = mmap(nil, Int(size), protection, flags, -1, 0), base != MAP_FAILED else { return nil }
    memory = FlatMemory(base: base, byteCount: size)
  }

  deinit { munmap(memory.base, Int(memory.byteCount)) }
}
