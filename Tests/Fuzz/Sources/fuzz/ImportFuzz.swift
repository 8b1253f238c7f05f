import Foundation

@testable import Recordings

/// Texts of other tools; the first byte says which, and whether lines that are not understood are left out.
struct ImportFuzz: FuzzTarget {
  private let input = InputFile("import")
  private let block = RecordingBlock()

  var seeds: [[UInt8]] {
    let texts = [
      "kind,vcpu,count,gpa,size\nwrite,0,1,0x1000,8\nmark,0,2,0x7,0x0\ncr3,0,3,0x1000\n",
      " S 1fff000758,8\n M 0400,4\n",
      "0, 0xffffffff81000000, 0x48, \"mov\", store, 0x1000, RAM\n", "0, 0x40, 0x48, \"mov\", store, 0x1000\n",
      "qemu-1 [000] 1.5: kvm_page_fault: vcpu 0 rip 0x1 address 0x0000000000001000 error_code 0x2\n",
      "  1  1: T1 ifetch 3 byte(s) @ 0x1 non-branch\n  2  1: T1 write 8 byte(s) @ 0x2000 by PC 0x1\n",
    ]
    return texts.enumerated().map { [UInt8($0)] + Array($1.utf8) }
  }

  func read(_ bytes: UnsafeRawBufferPointer) {
    guard let kind = bytes.first else { return }
    let format = TextImport.Format.allCases[Int(kind & 0x7f) % TextImport.Format.allCases.count]
    input.put(bytes.dropFirst())
    do {
      let text = try TextImport(format, InputStream(path: input.path))
      let writer = try RecordingWriter(
        path: "/dev/null", description: text.description(title: "fuzz"),
        options: .init(columns: text.columns, level: 1, runsPerBlock: 64, accessesPerBlock: 256))
      let report = try text.convert(into: writer, isLenient: kind & 0x80 != 0)
      precondition(report.skipped <= report.lines)
    } catch { precondition(error is RecordingError, "\(error)") }
  }
}

/// The recorder's stream: records of 64 bytes.
struct StreamFuzz: FuzzTarget {
  private let input = InputFile("stream")

  var seeds: [[UInt8]] {
    func record(_ kind: UInt8, _ size: UInt8, _ count: UInt8, _ address: UInt16) -> [UInt8] {
      var bytes = [UInt8](repeating: 0, count: 64)
      (bytes[0], bytes[2], bytes[8]) = (kind, size, count)
      (bytes[16], bytes[17], bytes[24], bytes[25]) = (
        UInt8(address & 255), UInt8(address >> 8), UInt8(address & 255), UInt8(address >> 8)
      )
      return bytes
    }
    let write = record(1, 8, 1, 0x1000)
    return [
      write + record(6, 0, 1, 0), record(2, 0, 1, 0) + record(0x82, 0, 0, 0), record(3, 0, 1, 0), record(4, 12, 1, 0),
      record(5, 0, 1, 0), write + record(1, 8, 2, 0x0ffc) + record(6, 0, 2, 0),
    ]
  }

  func read(_ bytes: UnsafeRawBufferPointer) {
    input.put(bytes)
    do {
      let writer = try RecordingWriter(
        path: "/dev/null", description: Sample.description(),
        options: .init(columns: .all, level: 1, runsPerBlock: 64, accessesPerBlock: 256))
      let report = try RecorderStream(name: "fuzz", allowsBrokenEnd: true).convert(
        InputStream(path: input.path), into: writer, ramBytes: Sample.ram)
      precondition(report.deviceWrites <= report.writes && report.writes <= report.records)
    } catch { precondition(error is RecordingError, "\(error)") }
  }
}
