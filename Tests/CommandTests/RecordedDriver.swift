import Addresses
import Recordings

/// A driver's recording, written call by call.
final class RecordedDriver {
  private static let linear: UInt64 = 0xffff_ffff_c000_0000
  private static let code: UInt64 = 0x80 << 12

  let path: String
  private let writer: RecordingWriter
  private var count: UInt64 = 1

  init(_ path: String, ramBytes: UInt64 = 4 << 30, regions: [RecordingDescription.Region] = []) throws {
    self.path = path
    var description = RecordingDescription(
      title: "hypercalls", origin: .synthetic, guest: .init(ramBytes: ramBytes, vcpus: 1),
      recorder: .init(name: "tests"))
    description.regions = regions
    writer = try RecordingWriter(path: path, description: description, options: .init(level: 1))
    // GI_INIT, GI_ENTER, GI_DONATE_NODE.
    try call(1, Self.code | 1, 0x81 << 12 | 2, Self.linear + 0x100, Self.linear + 0x200)
    try call(2, offset: 0x100)
    try call(7, 0x1000, 0x1000)
  }

  func call(
    _ number: UInt64, _ rdi: UInt64 = 0, _ rsi: UInt64 = 0, _ rdx: UInt64 = 0, _ r10: UInt64 = 0,
    offset: UInt64 = 0x300
  ) throws {
    count += 1
    try writer.event(
      .hypercall(
        .init(
          vcpu: 0, count: count, number: 0x4749_0000 + number,
          arguments: .init(rdi: rdi, rsi: rsi, rdx: rdx, r10: r10),
          rip: .init(Self.linear + offset), ripAddress: .init(Self.code + offset), rflags: 2, cpl: 0, cr3: 0x1000)))
  }

  func protect(_ first: UInt64, pages: UInt64 = 1, region: UInt64 = 1) throws { try call(4, first, pages, 1, region) }

  func store(to page: UInt64) throws {
    count += 1
    try writer.write(vcpu: 0, count: count, gpa: .init(page << 12), gva: .init(page << 12), size: 8)
  }

  func finish() throws -> String {
    _ = try writer.finish()
    return path
  }
}
