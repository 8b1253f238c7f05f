import CHost
import Glibc

/// The processor that measures, and one of another core.
struct ProcessorPair {
  /// The first that this process may run on.
  let first: UInt32
  /// One that shares no core with it; one that does if there is no other; nil if there is none.
  let other: UInt32?

  init() {
    let allowed = (0..<1024).filter { chost_may_run_on($0) != 0 }
    let first = allowed.first ?? 0
    let siblings = Self.siblings(of: first)
    self.first = first
    other = allowed.first { $0 != first && Self.siblings(of: $0) != siblings } ?? allowed.first { $0 != first }
  }

  /// The processors of a core as the kernel lists them; the processor's own number if it does not.
  private static func siblings(of processor: UInt32) -> String {
    let file = fopen("/sys/devices/system/cpu/cpu\(processor)/topology/thread_siblings_list", "r")
    guard let file else { return String(processor) }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 128)
    return fgets(&line, Int32(line.count), file).map { String(cString: $0) } ?? String(processor)
  }
}
