// Prints one line a target of performance: `swift run -c release ratios [P3 P4 ...]`.
let names = CommandLine.arguments.dropFirst()
for verdict in try TreeRatios.verdicts({ names.isEmpty || names.contains($0) }) { print(verdict.line) }
for verdict in WalkRatios.verdicts({ names.isEmpty || names.contains($0) }) { print(verdict.line) }
