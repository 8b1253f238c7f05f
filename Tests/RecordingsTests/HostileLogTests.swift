import Foundation
import SeededRandom
import Testing

@testable import Recordings

@Suite("A hostile log")
struct HostileLogTests {
  /// One good text of each format.
  static let samples: [(TextImport.Format, String)] = [
    (.csv, "kind,vcpu,count,gpa,size,rip,rest\nwrite,0,1,0x1000,8,0x10,\nmark,0,2,0x5,0x0\nwrite,0,3,0xffc,8,0x10,7\n"),
    (
      .jsonl,
      "{\"log\":1,\"time\":\"cycles\"}\n{\"gpa\":\"0x1000\",\"size\":8,\"time\":1}\n{\"mark\":\"a\",\"time\":2}\n"
    ),
    (
      .kvmPageFault,
      "CPU 0/KVM-1 [0] .. 1.000001: kvm_page_fault: vcpu 0 rip 0x1 address 0x8 error_code 0x2\nCPU:2 [LOST 4 EVENTS]\n"
    ),
    (.execlog, "0, 0x1, 0x2, \"a\", store, 0x8, RAM\n1, 0x2, 0x2, \"b\", load, 0x8, RAM\n"),
    (.execlogUser, "0, 0x1, 0x2, \"a\", store, 0x8\n"),
    (.lackey, "==1== Lackey\nSB 0401ab70\nI  0401ab70,3\n S 1fff000758,8\n M 1fff000ffc,8\n"),
    (.drmemtrace, "------\n 1 1: W0.T7 write 8 byte(s) @ 0x8 by PC 0x1\n T7 0x00401000 48 push\n"),
    (.pin, "0x7f21c01df2d0: W 0x7ffd6a0d2f38 8 0x1\n#eof\n"),
    (.addresses, "address,size\n0x1000,8\n4096\n"),
    (.dramsim, "0x1000 WRITE 10\n0x2000 P_MEM_WR 12\n"),
    (.dinero, "1 1000\nw 2000 8\n"),
  ]

  @Test("that was changed anywhere becomes a trace or a sentence", arguments: 0..<samples.count)
  func mutated(index: Int) throws {
    let (format, text) = Self.samples[index]
    let seed = UInt64(900 + index)
    var random = SplitMix64(seed: seed)
    let pieces: [[UInt8]] = [
      [0], [0xff], [0x0a], [0x0d, 0x0a], Array("18446744073709551616".utf8), Array("0xffffffffffffffff".utf8),
      Array("-".utf8),
      Array(repeating: 0x20, count: 300), Array(repeating: 0x66, count: 70_000), Array("{[\"\\".utf8), [0xc3, 0x28], [],
    ]
    for trial in 0..<120 {
      var bytes = Array(text.utf8) + Array(text.utf8)
      for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
        let from = Int.random(in: 0..<bytes.count, using: &random)
        let to = min(bytes.count, from + Int.random(in: 0...6, using: &random))
        bytes.replaceSubrange(from..<to, with: pieces.randomElement(using: &random) ?? [])
      }
      if trial % 5 == 0 { bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random))) }
      for (format, isLenient) in [(format, false), (format, true), (nil, true)] as [(TextImport.Format?, Bool)] {
        do {
          let (writes, header, _) = try TextImportTests.convert(format, Data(bytes), lenient: isLenient)
          #expect(UInt64(writes.count) == header.totals.writes)
        } catch let error as RecordingError {
          #expect(!error.description.contains("\n") && !error.remedy.isEmpty, "seed \(seed), trial \(trial)")
        }
      }
    }
  }

  @Test("that is good is good in every format, also when nobody names it", arguments: 0..<samples.count)
  func good(index: Int) throws {
    let (format, text) = Self.samples[index]
    let named = try TextImportTests.convert(format, text)
    #expect(!named.writes.isEmpty)
    if format == .lackey { return }
    #expect(try TextImportTests.convert(nil, text).writes == named.writes)
  }

  @Test("of more names than a header should hold keeps what it can", arguments: [1200])
  func many(count: Int) throws {
    let marks = (0..<11_000).map { "{\"mark\":\"m\($0)\"}\n" }.joined()
    let (_, header, _) = try TextImportTests.convert(.jsonl, "{\"gpa\":1}\n" + marks)
    #expect(header.recording.marks.count == 10_000 && header.totals.marks == 10_000)
    let tasks = (0..<count).map { "x-\($0) [0] .. 1.000001: kvm_page_fault: address 8 error_code 2\n" }.joined()
    let error = #expect(throws: RecordingError.self) { try TextImportTests.convert(.kvmPageFault, tasks) }
    #expect(error?.found.contains("one more task") == true)
  }
}
