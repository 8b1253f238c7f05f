// A log of one's own, made a recording and replayed: lines of "vCPU instructions address bytes", the address hexadecimal.
import Addresses
import Foundation
import Recordings
import Replay

/// What one line says; nil where it is no store.
func store(_ line: Substring) -> (vcpu: Int, count: UInt64, address: UInt64, size: Int)? {
  let fields = line.split(separator: " ")
  guard fields.count == 4, let vcpu = Int(fields[0]), let count = UInt64(fields[1]), fields[2].hasPrefix("0x"),
    let address = UInt64(fields[2].dropFirst(2), radix: 16), let size = Int(fields[3])
  else { return nil }
  return (vcpu, count, address, size)
}

guard CommandLine.arguments.count == 2, let profile = try ProfileLibrary.profile(named: "skylake-sp") else {
  print("usage: own-recording LOG")
  exit(64)
}
let log = CommandLine.arguments[1]

var description = RecordingDescription(
  title: "Stores of \(log)", origin: .imported, guest: .init(ramBytes: 16 << 20, vcpus: 2),
  recorder: .init(name: "own-recording"))
description.log = RecordedLog(coverage: .everyStore, time: .instructions, hasSizes: true)

let path = FileManager.default.temporaryDirectory.appending(path: "own-recording.trace").path
let writer = try RecordingWriter(path: path, description: description, options: .init(columns: [.steps]))
let lines = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
for (index, line) in lines.enumerated() where !line.isEmpty && !line.hasPrefix("#") {
  guard let store = store(line) else {
    print("\(log), line \(index + 1): '\(line)', expected \"vCPU instructions 0xADDRESS bytes\"; correct the line")
    exit(1)
  }
  try writer.write(
    vcpu: store.vcpu, count: store.count, gpa: GuestPhysicalAddress(store.address),
    gva: GuestLinearAddress(store.address), size: store.size)
}
let summary = try writer.finish()
print("\(summary.header.totals.writes) stores to \(summary.header.totals.pages) pages: \(path)")

// A log says nothing about what is protected, so a policy does.
let policy = try Policy(
  json: Data(
    """
    {"schema": 1, "name": "hooks", "regions": [{"name": "hook table", "gpa": "0x205000", "bytes": 256}]}
    """.utf8), origin: "the policy")
let result = try replay(
  ReplayRequest(
    tracePath: path, strategies: [.eptpExit, .pml], profile: profile, policy: policy, countersOnly: true))
for strategy in result.strategies {
  let notified = strategy.notifications
  print("\(strategy.name): \(notified.count) notified, \(notified.falseShare) of them beside the protected bytes")
}
