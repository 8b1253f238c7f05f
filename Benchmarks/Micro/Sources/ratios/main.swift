// Prints one line a target of performance: `swift run -c release ratios [P3 P4 ...]`.
let names = CommandLine.arguments.dropFirst()
func isWanted(_ target: String) -> Bool { names.isEmpty || names.contains(target) }
for verdict in WalkRatios.verdicts(isWanted) { print(verdict.line) }
for verdict in try TreeRatios.verdicts(isWanted) { print(verdict.line) }
for verdict in NotificationRatios.verdicts(isWanted) { print(verdict.line) }
for verdict in try ReplayRatios.verdicts(isWanted) { print(verdict.line) }
