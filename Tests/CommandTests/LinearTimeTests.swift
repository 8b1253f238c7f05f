import Foundation
import Recordings
import Testing

/// Processor time at a size and at four times the size: four times as much where it grows with what is read, sixteen times
/// where it grows with the square.
@Suite("The time of a command grows as its input does", .serialized)
struct LinearTimeTests {
  private func expectLinear(_ what: String, small: [String], large: [String]) throws {
    let (less, more) = (try Program.measure(small), try Program.measure(large))
    #expect(less.status == 0 && more.status == 0, "\(what): \(less.status), \(more.status)")
    // What a start takes is no part of the growth.
    #expect(more.seconds < 9 * max(less.seconds, 0.15), "\(what): \(less.seconds) s, then \(more.seconds) s")
  }

  private func trace(
    in folder: Program.Folder, _ name: String, markEvery interval: UInt64 = 10,
    _ change: (inout RecordingDescription) -> Void
  ) throws -> String {
    let path = folder.path + "/" + name
    var description = RecordingDescription(
      title: name, origin: .synthetic, guest: .init(ramBytes: 1 << 30, vcpus: 1), recorder: .init(name: "tests"))
    change(&description)
    let writer = try RecordingWriter(path: path, description: description, options: .init(level: 1))
    for i in 0..<10_000 as Range<UInt64> {
      let address = i % 5000 << 13
      try writer.write(vcpu: 0, count: i + 1, gpa: .init(address), gva: .init(address), size: 8)
      if i % interval == 0 { try writer.event(.mark(.init(vcpu: 0, count: i + 1, id: i, rip: .init(0)))) }
    }
    _ = try writer.finish()
    return path
  }

  @Test("whatever the header's tables hold", arguments: ["regions", "symbols", "marks", "ground truth"])
  func tables(which: String) throws {
    let folder = try Program.Folder()
    let traces = try [10_000, 40_000].map { count in
      try trace(in: folder, "\(count).trace") { description in
        let numbers = 0..<UInt64(count)
        description.marks = (0..<1000).map { .init(id: $0 * 10, name: "mark \($0 * 10)") }
        switch which {
        case "regions":
          description.regions = numbers.map { .init(id: $0 + 1, name: "r\($0)", gpa: $0 << 13, bytes: 0x1800) }
        case "symbols": description.symbols = numbers.map { .init(name: "s\($0)", gpa: $0 << 10, size: 0x500) }
        case "marks": description.marks += numbers.map { .init(id: 1 << 40 + $0, name: "other \($0)") }
        default:
          description.regions = numbers.map { .init(id: $0 + 1, name: "r\($0)", gpa: $0 << 13, bytes: 8) }
          description.groundTruth = numbers.map {
            .init(
              attack: "A", act: "\($0)", kind: $0 % 2 == 0 ? .write : .hypercall, mark: "mark \($0 % 3 * 10)",
              gpa: $0 << 13, bytes: 8, expected: $0 % 2 == 0 ? "r\($0)" : "refused")
          }
        }
      }
    }
    for command in HostileInputTests.readers where !command.contains("2") && !command.contains("cut") {
      // That the ground truth never happens is a finding, and for that the check fails.
      if which == "ground truth", command.contains("check") { continue }
      try expectLinear("\(command)", small: command + [traces[0]], large: command + [traces[1]])
    }
  }

  @Test("and the check of acts that never happen, too")
  func acts() throws {
    let folder = try Program.Folder()
    let seconds = try [10_000, 40_000].map { count in
      let trace = try trace(in: folder, "\(count).trace", markEvery: 5000) { description in
        description.marks = [.init(id: 0, name: "mark 0"), .init(id: 5000, name: "mark 1")]
        description.groundTruth = (0..<UInt64(count)).map {
          .init(
            attack: "A", act: "\($0)", kind: .write, mark: "mark \($0 % 2)", gpa: $0 << 13 | 0x800, bytes: 8,
            expected: "none")
        }
      }
      let usage = try Program.measure(["trace", "check", trace])
      #expect(usage.status == 2)
      return usage.seconds
    }
    #expect(seconds[1] < 9 * max(seconds[0], 0.15), "\(seconds)")
  }

  @Test("however many regions a policy has")
  func policy() throws {
    let folder = try Program.Folder()
    let trace = folder.path + "/t"
    #expect(
      try Program.run([
        "trace", "generate", "--workload", "uniform", "--pages", "30000", "--writes", "20000", "-o", trace,
      ]).status == 0)
    let policies = try [3000, 12_000].map { count in
      let regions = (0..<count).map { #"{"name": "r\#($0)", "gpa": \#(0x10_0000 + 8192 * $0), "bytes": 1}"# }
      return try folder.file(
        "\(count).json", #"{"schema": 1, "name": "p", "regions": [\#(regions.joined(separator: ","))]}"#)
    }
    let command = ["run", trace, "--counters-only", "--strategy", "filter", "--policy"]
    try expectLinear("policy", small: command + [policies[0]], large: command + [policies[1]])
  }
}
