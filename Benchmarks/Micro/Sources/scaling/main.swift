import Foundation
import Measuring

// Measures how costs grow with ranges, stores, vCPUs, threads and strategies, and writes figures and plots:
// `swift run -c release scaling DIRECTORY [quick]`. `quick` stops early and shows that all of it works.
func fail(_ sentence: String, status: Int32) -> Never {
  FileHandle.standardError.write(Data("scaling: \(sentence)\n".utf8))
  exit(status)
}

func measure(into directory: String, isQuick: Bool) throws {
  guard (try? URL(fileURLWithPath: directory).resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory == true else {
    fail("\(directory): not a directory, expected one to write to; make it first", status: 1)
  }
  let start = nanoseconds()
  var study = Study()
  try WritesStudy(most: isQuick ? 100_000 : 1_000_000_000).run(&study)
  try ProcessorsStudy(writes: isQuick ? 100_000 : 10_000_000).run(&study)
  try StrategiesStudy(rounds: isQuick ? 1 : 3, generatedWrites: isQuick ? 100_000 : 1_000_000).run(&study)
  LatencyStudy().run(&study)
  let treeBytes = try RangesStudy(most: isQuick ? 10_000 : 10_000_000).run(&study)

  try study.csv.write(toFile: "\(directory)/scaling.csv", atomically: true, encoding: .utf8)
  for plot in Plot.all(of: study, treeBytes: treeBytes) {
    try SVGLines(plot).text.write(toFile: "\(directory)/scaling-\(plot.name).svg", atomically: true, encoding: .utf8)
  }
  print("\(((nanoseconds() - start) / 1e9).fixed(0)) s; written to \(directory)")
}

let arguments = Array(CommandLine.arguments.dropFirst())
do {
  switch (arguments.first, arguments.dropFirst().first, arguments.count) {
  case (ReplayMemory.command?, let path?, 2): print(try ReplayMemory.peakBytes(ofReplaying: path))
  case (let directory?, nil, 1): try measure(into: directory, isQuick: false)
  case (let directory?, "quick"?, 2): try measure(into: directory, isQuick: true)
  default: fail("found \(arguments.count) arguments, expected DIRECTORY and perhaps `quick`", status: 64)
  }
} catch { fail("\(error)", status: 1) }
