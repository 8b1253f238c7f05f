// Prints one line a target of performance: `swift run -c release ratios [P3 P4 ...]`.
import Foundation

let names = CommandLine.arguments.dropFirst()
func isWanted(_ target: String) -> Bool { names.isEmpty || names.contains(target) }
do {
  #if canImport(Peers)
    if names.contains("peers") { print(try PeerTable.text(), terminator: "") }
  #endif
  for verdict in WalkRatios.verdicts(isWanted) { print(verdict.line) }
  for verdict in try TreeRatios.verdicts(isWanted) { print(verdict.line) }
  for verdict in NotificationRatios.verdicts(isWanted) { print(verdict.line) }
  for verdict in try ReplayRatios.verdicts(isWanted) { print(verdict.line) }
  for verdict in try GeneratedRatios.verdicts(isWanted) { print(verdict.line) }
  for verdict in try JobsRatios.verdicts(isWanted) { print(verdict.line) }
  for verdict in try TextRatios.verdicts(isWanted) { print(verdict.line) }
} catch {
  FileHandle.standardError.write(Data("ratios: \(error)\n".utf8))
  exit(1)
}
