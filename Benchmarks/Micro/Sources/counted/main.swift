import Glibc

// One hot path, run as often as is asked, for callgrind to count its instructions: `counted PATH TIMES`; without
// arguments the paths, each with the operations of one run. Benchmarks/count.sh holds the counts against
// Benchmarks/baselines/instructions.txt.
let arguments = Array(CommandLine.arguments.dropFirst())
do {
  if arguments.isEmpty {
    for path in HotPath.allCases { print(path.rawValue, try path.operations()) }
  } else if arguments.count == 2, let path = HotPath(rawValue: arguments[0]), let times = Int(arguments[1]), times >= 0
  {
    print(try path.run(times))
  } else {
    print("usage: counted PATH TIMES, where PATH is one of \(HotPath.allCases.map(\.rawValue).joined(separator: ", "))")
    exit(64)
  }
} catch {
  print("counted: \(error)")
  exit(1)
}
