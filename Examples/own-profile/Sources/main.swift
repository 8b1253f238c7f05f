// A profile of one's own: an embedded one, with what is known of this hypervisor in place of what is assumed.
import Foundation
import Replay

guard CommandLine.arguments.count == 2, let base = try ProfileLibrary.profile(named: "skylake-sp") else {
  print("usage: own-profile FILE.trace")
  exit(64)
}

var mine = base
mine.hypervisor.name = "ours"
mine.hypervisor.title = "Our hypervisor, which writes the EPTP field itself"
mine.parameters = mine.parameters.map { cost in
  guard cost.name == .eptpChange else { return cost }
  return CycleProfile.Parameter(
    name: .eptpChange, low: 0, value: 0, high: 50, tag: .assumed,
    source: "our exit handler writes the VMCS field, and no other code runs")
}

// A profile is checked where it is read: each cost once, in order low, value, high, with a source.
let encoder = JSONEncoder()
encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
let file = FileManager.default.temporaryDirectory.appending(path: "ours.json")
try encoder.encode(ProfileFile(mine)).write(to: file)
let checked = try CycleProfile(json: Data(contentsOf: file), origin: file.path)
print("written and read back: \(file.path)")

for profile in [base, checked] {
  let request = ReplayRequest(
    tracePath: CommandLine.arguments[1], strategies: [.eptpExit, .singleStep], profile: profile, countersOnly: true)
  print("under \(profile.hypervisor.name):")
  for strategy in try replay(request).strategies {
    let overhead = strategy.overheadCycles
    print("  \(strategy.name): \(Int(overhead.value)) cycles (\(Int(overhead.low)) to \(Int(overhead.high)))")
  }
}

var broken = ProfileFile(mine)
broken.processor?.parameters[0].low = 1_000_000
do {
  _ = try CycleProfile(json: encoder.encode(broken), origin: "broken.json")
} catch {
  print("refused: \(error)")
}
