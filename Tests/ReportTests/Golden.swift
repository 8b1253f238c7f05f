import Foundation
import Testing

/// Compares with a reviewed file in `Golden/`; `GI_UPDATE_GOLDEN=1 swift test --filter ReportTests` rewrites it.
func expectGolden(_ actual: String, _ name: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
  let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/\(name)")
  if ProcessInfo.processInfo.environment["GI_UPDATE_GOLDEN"] != nil {
    try Data(actual.utf8).write(to: file, options: .atomic)
  }
  let expected = String(decoding: try Data(contentsOf: file), as: UTF8.self)
  func lines(_ text: String) -> [Substring] {
    text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { Substring($0) }
  }
  let differing = zip(lines(actual), lines(expected)).enumerated().first { $1.0 != $1.1 }
  #expect(
    Data(actual.utf8) == Data(expected.utf8),
    "\(name), first differing line \(differing.map { "\($0.offset + 1): \($0.element)" } ?? "is beyond the shorter one")",
    sourceLocation: sourceLocation)
}
