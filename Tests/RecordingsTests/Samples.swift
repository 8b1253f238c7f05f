import SeededRandom
import Addresses
import Foundation

@testable import Recordings

/// A store as a test means it: the obvious model of a record.
struct Store: Equatable {
  var vcpu: Int
  var count: UInt64
  var gpa: UInt64
  var gva: UInt64
  var size: Int
  var rip: UInt64
  var low: UInt64?
  var high: UInt64?
  var rest: UInt64?
}

enum Record: Equatable {
  case store(Store)
  case event(RecordedEvent)
  case accesses(RecordedAccesses)
}

/// A folder that is gone when the test is over.
final class Folder {
  let path: String
  init() {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("gi-\(UUID().uuidString)").path
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }
  deinit { try? FileManager.default.removeItem(atPath: path) }
  func file(_ name: String) -> String { "\(path)/\(name)" }
  var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }
}

enum Sample {
  static let ram: UInt64 = 64 << 20

  static func description(vcpus: Int = 2) -> RecordingDescription {
    RecordingDescription(
      title: "test", origin: .synthetic, guest: .init(ramBytes: ram, vcpus: vcpus), recorder: .init(name: "tests"))
  }

  /// Records with everything a trace can hold: long and short runs, page ends, wide steps, odd sizes, events anywhere.
  static func records(_ count: Int, seed: UInt64, vcpus: Int = 2) -> [Record] {
    var random = SplitMix64(seed: seed)
    var counts = [UInt64](repeating: 0, count: vcpus)
    var records: [Record] = []
    var vcpu = 0
    var page: UInt64 = 0
    for _ in 0..<count {
      if Int.random(in: 0..<7, using: &random) == 0 { vcpu = Int.random(in: 0..<vcpus, using: &random) }
      if Int.random(in: 0..<5, using: &random) == 0 { page = UInt64.random(in: 0..<(ram >> 12) - 1, using: &random) }
      counts[vcpu] +=
        [0, 1, 3, 250, 254, 255, 256, 65_534, 65_535, 70_000, 1 << 40][
          min(10, Int.random(in: 0..<40, using: &random))]
      if Int.random(in: 0..<50, using: &random) == 0 {
        records.append(.event(event(vcpu: vcpu, count: counts[vcpu], using: &random)))
        continue
      }
      let size = Int.random(in: 0..<4, using: &random) == 0 ? Int.random(in: 1...64, using: &random) : 8
      let offset = UInt64.random(in: 0..<4096, using: &random)
      let crosses = Int(offset) + size > 4096
      let alias: UInt64 = Int.random(in: 0..<9, using: &random) == 0 ? 0xffff_8880_0000_0000 : 0xffff_c900_0000_0000
      let known = size <= 16 && Bool.random(using: &random)
      let mask = { (bytes: Int) -> UInt64 in bytes >= 8 ? .max : bytes <= 0 ? 0 : (1 << UInt64(8 * bytes)) - 1 }
      let seen = crosses && Bool.random(using: &random)
      records.append(
        .store(
          Store(
            vcpu: vcpu, count: counts[vcpu], gpa: page << 12 | offset, gva: alias + page << 12 | offset, size: size,
            rip: 0xffff_ffff_8100_0000 + UInt64.random(in: 0..<40, using: &random),
            low: known ? random.next() & mask(size) : nil, high: known ? random.next() & mask(size - 8) : nil,
            rest: seen ? UInt64.random(in: 0..<ram >> 12, using: &random) : nil)))
    }
    return records
  }

  static func event(vcpu: Int, count: UInt64, using random: inout SplitMix64) -> RecordedEvent {
    switch Int.random(in: 0..<6, using: &random) {
    case 0:
      .hypercall(
        .init(
          vcpu: vcpu, count: count, number: random.next(),
          arguments: .init(rdi: random.next(), rsi: 3, rdx: random.next(), r10: 7),
          rip: GuestLinearAddress(random.next()), ripAddress: GuestPhysicalAddress(random.next()),
          rflags: random.next(), cpl: Int.random(in: 0...3, using: &random), cr3: random.next()))
    case 1: .cr3(.init(vcpu: vcpu, count: count, value: random.next()))
    case 2:
      .map(
        .init(
          vcpu: vcpu, count: count, cr3: random.next(), linear: GuestLinearAddress(random.next()),
          pageShift: [12, 21, 30][Int.random(in: 0..<3, using: &random)], entry: random.next(),
          tables: Bool.random(using: &random)
            ? nil : .init(pml4e: random.next(), pdpte: random.next(), pde: random.next())))
    case 3: .halt(.init(vcpu: vcpu, count: count))
    case 4:
      .control(
        .init(
          vcpu: vcpu, count: count,
          register: RecordedEvent.ControlRegister.allCases[Int.random(in: 0..<3, using: &random)],
          value: random.next()))
    default: .mark(.init(vcpu: vcpu, count: count, id: random.next(), rip: GuestLinearAddress(random.next())))
    }
  }

  /// The same, with loads and fetches anywhere between them: many and few, of either half of linear memory.
  static func mixed(_ count: Int, seed: UInt64, vcpus: Int = 2) -> [Record] {
    var random = SplitMix64(seed: seed ^ 0xacce55)
    var counts = [UInt64](repeating: 0, count: vcpus)
    return records(count, seed: seed, vcpus: vcpus).flatMap { record -> [Record] in
      let (vcpu, now): (Int, UInt64) =
        switch record {
        case .store(let store): (store.vcpu, store.count)
        case .event(let event): (event.vcpu, event.count)
        case .accesses(let accesses): (accesses.vcpu, accesses.count)
        }
      counts[vcpu] = now
      let many = [0, 0, 1, 1, 2, 3, 20][Int.random(in: 0..<7, using: &random)]
      let accesses = (0..<many).map { _ in
        let page = UInt64.random(in: 0..<(ram >> 12), using: &random)
        return Record.accesses(
          RecordedAccesses(
            kind: Bool.random(using: &random) ? .load : .fetch, vcpu: vcpu, count: counts[vcpu],
            page: GuestPageNumber(page),
            linearPage: (Bool.random(using: &random) ? 0 : 0xf_ff88_8000_0000) + page,
            accesses: Int.random(in: 0..<9, using: &random) == 0 ? 65535 : Int.random(in: 1...40, using: &random)))
      }
      return [record] + accesses
    }
  }

  static let small = RecordingWriter.Options(columns: .all, level: 1, runsPerBlock: 300, accessesPerBlock: 2000)

  @discardableResult
  static func write(
    _ records: [Record], to path: String, options: RecordingWriter.Options = small, vcpus: Int = 2
  ) throws -> RecordingWriter.Summary {
    let writer = try RecordingWriter(path: path, description: description(vcpus: vcpus), options: options)
    for record in records {
      switch record {
      case .store(let s):
        try writer.write(
          vcpu: s.vcpu, count: s.count, gpa: GuestPhysicalAddress(s.gpa), gva: GuestLinearAddress(s.gva), size: s.size,
          rip: GuestLinearAddress(s.rip), value: s.low.map { ($0, s.high ?? 0) },
          rest: s.rest.map { GuestPageNumber($0) })
      case .event(let event): try writer.event(event)
      case .accesses(let accesses): try writer.accesses(accesses)
      }
    }
    return try writer.finish()
  }

  /// All records of a trace, put together again from runs and details.
  static func read(_ reader: RecordingReader) throws -> [Record] {
    let block = RecordingBlock()
    var records: [Record] = []
    for number in reader.blocks.indices {
      try reader.read(block: number, columns: .all.subtracting(.ofVersion2), into: block)
      var event = 0
      func take(before run: Int) {
        while event < block.events.count, block.events[event].run == run {
          records.append(.event(block.events[event].event))
          event += 1
        }
      }
      for run in block.runs.indices {
        take(before: run)
        let accesses = try block.accesses(ofRun: run)
        for index in accesses.indices {
          let value = accesses.value(index)
          if block.runs[run].isContinuation, case .store(var whole)? = records.popLast() {
            let first = whole.size
            if let value, let low = whole.low {
              (whole.low, whole.high) = join(low, whole.high ?? 0, first, value.low, value.high)
            }
            whole.size += accesses[index].size
            whole.rest = block.runs[run].page.rawValue == whole.gpa >> 12 + 1 ? nil : block.runs[run].page.rawValue
            records.append(.store(whole))
            continue
          }
          records.append(
            .store(
              Store(
                vcpu: block.runs[run].vcpu, count: accesses.clock(index), gpa: accesses.address(index).rawValue,
                gva: block.linearPages[run] << 12 | UInt64(accesses[index].offset), size: accesses[index].size,
                rip: accesses.instructionPointer(index).rawValue, low: value?.low, high: value?.high)))
        }
      }
      take(before: block.runs.count)
    }
    return records
  }

  private static func join(_ low: UInt64, _ high: UInt64, _ first: Int, _ nextLow: UInt64, _ nextHigh: UInt64) -> (
    UInt64, UInt64
  ) {
    func bytes(_ a: UInt64, _ b: UInt64) -> [UInt8] {
      (0..<16).map { UInt8(($0 < 8 ? a : b) >> UInt64(8 * ($0 & 7)) & 0xff) }
    }
    let all = Array(bytes(low, high)[..<first]) + bytes(nextLow, nextHigh)
    func word(_ from: Int) -> UInt64 { (0..<8).reduce(0) { $0 | UInt64(all[from + $1]) << UInt64(8 * $1) } }
    return (word(0), word(8))
  }
}
