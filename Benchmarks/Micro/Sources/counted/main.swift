import Glibc

// One hot path, run as often as is asked, for callgrind to count its instructions: `counted PATH TIMES`; without
// arguments the names of the paths. Benchmarks/count.sh holds the counts against Benchmarks/baselines/instructions.txt.
let arguments = CommandLine.arguments.dropFirst()
if arguments.isEmpty {
  print(HotPath.allCases.map(\.rawValue).joined(separator: "\n"))
} else if arguments.count == 2, let path = arguments.first.flatMap(HotPath.init),
  let times = arguments.last.flatMap({ Int($0) }),
  times >= 0
{
  print(path.run(times))
} else {
  print("usage: counted PATH TIMES, where PATH is one of \(HotPath.allCases.map(\.rawValue).joined(separator: ", "))")
  exit(64)
}
