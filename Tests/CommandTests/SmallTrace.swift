import Addresses
import Recordings

/// A recording of a few thousand stores of two vCPUs that asks for no protection.
enum SmallTrace {
  /// Writes one into the folder and answers its path; another `pages` is another recording.
  static func write(to folder: Program.Folder, name: String = "small.trace", pages: UInt64 = 40) throws -> String {
    let path = folder.path + "/" + name
    let writer = try RecordingWriter(
      path: path,
      description: RecordingDescription(
        title: "small", origin: .synthetic, guest: .init(ramBytes: 1 << 24, vcpus: 2), recorder: .init(name: "tests")),
      options: .init(level: 1))
    for i in 0..<4000 as Range<UInt64> {
      let address = (i / 10 % pages) << 12 | (i % 10) << 3
      try writer.write(
        vcpu: Int(i / 100 % 2), count: i + 1, gpa: GuestPhysicalAddress(address), gva: GuestLinearAddress(address),
        size: 8)
    }
    _ = try writer.finish()
    return path
  }
}
