import Foundation
import Testing

@Suite("gi-bench profile")
struct ProfileCommandTests {
  @Test("lists every processor and every hypervisor")
  func list() throws {
    let outcome = try Program.run(["profile", "list"])
    #expect(outcome.status == 0)
    for name in ["haswell-ep", "skylake-sp *", "icelake-sp", "sapphire-rapids", "bare", "kvm *", "xen-tool"] {
      #expect(outcome.output.contains("\n\(name)"))
    }
  }

  @Test(
    "shows a profile as text with every source, and as a file that is valid",
    arguments: ["haswell-ep", "skylake-sp", "icelake-sp", "sapphire-rapids"])
  func show(name: String) throws {
    let text = try Program.run(["profile", "show", name])
    #expect(text.status == 0 && text.output.contains("vmcall_round_trip") && text.output.contains("source"))
    let folder = try Program.Folder()
    let file = try folder.file("mine.json", try Program.run(["profile", "show", name, "--format", "json"]).output)
    let validated = try Program.run(["profile", "validate", file])
    #expect(validated.status == 0)
    #expect(validated.output.hasPrefix("\(file): valid, processor \(name), hypervisor kvm, 34 costs, "))
    #expect(try Program.run(["profile", "show", file]).output == text.output)
    let embedded = try Program.run(["profile", "validate", name])
    #expect(embedded.status == 0 && embedded.output.hasPrefix("\(name): valid, processor \(name), 16 costs, "))
  }

  @Test("validate ends with status 2 at a broken rule, 1 at an unreadable file")
  func validate() throws {
    let folder = try Program.Folder()
    let good = try Program.run(["profile", "show", "--format", "json"]).output
    let broken = try folder.file("broken.json", good.replacing("\"schema\" : 2", with: "\"schema\" : 9"))
    try Program.expectFailure(
      ["profile", "validate", broken], status: 2,
      sentence: "\(broken): schema is 9, expected 2; this gi-bench reads schema 2 only")
    try Program.expectFailure(
      ["profile", "show", broken], status: 1,
      sentence: "\(broken): schema is 9, expected 2; this gi-bench reads schema 2 only")
    try Program.expectFailure(
      ["profile", "validate", folder.path], status: 1,
      sentence: "\(folder.path): a directory, expected a cycle profile in JSON; give the path of a file")
    try Program.expectFailure(
      ["profile", "validate", "/dev/zero"], status: 1,
      sentence: "/dev/zero: more than 1 MiB, expected a cycle profile in JSON; give another file")
  }

  @Test("validate without a file tells three kinds of checks apart, and ends well where every miss is known")
  func published() throws {
    let outcome = try Program.run(["profile", "validate"])
    #expect(outcome.status == 0 && outcome.error == "", "\(outcome.error)")
    let lines = outcome.output.split(separator: "\n")
    for kind in ["identity", "emergent", "held out"] {
      #expect(lines.contains { $0.hasPrefix("  - \(kind), ") && $0.contains("known to be missed") }, "\(kind)")
      #expect(lines.contains { $0.hasPrefix("\(kind): ") }, "\(kind)")
    }
    #expect(outcome.output.contains("walk of a random access to 128 MB, cycles"))
    let json = try Program.run(["profile", "validate", "--format", "json"]).output
    let missed = json.ranges(of: "\"verdict\" : \"missed\"").count
    #expect(missed > 0 && json.ranges(of: "\"known_miss\"").count == missed)
  }
}
