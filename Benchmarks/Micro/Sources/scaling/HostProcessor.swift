import Foundation

/// The processor that measures, as Linux tells of it.
enum HostProcessor {
  /// A data cache.
  struct Cache {
    let level: Int
    let bytes: Int
    var text: String { "L\(level) \(bytes >> 10) KiB" }
  }

  /// The model, or `unknown`.
  static let name: String = {
    let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n") ?? []
    let model = lines.first { $0.hasPrefix("model name") }?.split(separator: ":").last
    return model.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown"
  }()

  /// The data caches of its first core, smallest first; none where Linux does not say.
  static let caches: [Cache] = (0..<8).compactMap { index in
    let directory = "/sys/devices/system/cpu/cpu0/cache/index\(index)/"
    func field(_ name: String) -> String? {
      (try? String(contentsOfFile: directory + name, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
    }
    guard field("type") != "Instruction", let level = field("level").flatMap(Int.init), let size = field("size"),
      size.hasSuffix("K"), let kibibytes = Int(size.dropLast())
    else { return nil }
    return Cache(level: level, bytes: kibibytes << 10)
  }
}
