import Addresses
import Foundation
import GuestIntegrity
import Replay

@testable import Recordings

/// Replays of recordings that nobody recorded: stores, hypercalls, CR3 loads, mappings and marks with any fields, in one dimension
/// or two, with or without a policy.
struct ReplayFuzz: FuzzTarget {
  private let path: String
  private let profile: CycleProfile
  private let policy: Policy
  private static let linear: UInt64 = 0xffff_ffff_c000_0000
  private static let code: UInt64 = 0x80 << 12

  init() {
    path = InputFile.scratch("replay.trace")
    do {
      guard let profile = try ProfileLibrary.profile(named: "icelake-sp") else { fatalError("no profile") }
      self.profile = profile
      policy = try Policy(
        json: Data(#"{"schema":1,"name":"p","regions":[{"name":"a","gpa":"0x10008","bytes":9000}]}"#.utf8),
        origin: "fuzz")
    } catch { fatalError("\(error)") }
  }

  var seeds: [[UInt8]] {
    let driver: [UInt8] = [0x10, 0, 0x11, 1, 0x12, 0]
    return [
      [0] + driver + [0, 1, 2, 3, 4, 5, 6, 7], [1] + driver + [0x20, 3, 0x21, 3, 0, 9, 1, 9], [2, 0, 0x10, 0x22, 4],
      [3] + driver + [0x20, 1, 0x21, 5, 0, 1, 2],
    ]
  }

  func read(_ input: UnsafeRawBufferPointer) {
    var numbers = InputNumbers(input)
    let setup = numbers.next(UInt8.self)
    do {
      try write(&numbers)
      var request = ReplayRequest(
        tracePath: path, strategies: [.eptpExit, .spp, .pml, .ve], profile: profile,
        dimensions: setup & 1 == 0 ? .one : .two, policy: setup & 2 == 0 ? nil : policy, countersOnly: true)
      if setup & 4 != 0 {
        request.latency = LatencySetting(
          consumer: Consumer(
            name: "slow", slots: 2, service: .constant(Bracket(low: 1e3, value: 1e4, high: 1e5)), whenFull: .park),
          exitsPerSecond: 1000)
      }
      let result = try replay(request)
      precondition(result.crosscheck.agree, "\(result.crosscheck.differences)")
    } catch {
      precondition(error is RecordingError || error is ReplayError, "\(type(of: error)): \(error)")
    }
  }

  private func write(_ numbers: inout InputNumbers) throws {
    let writer = try RecordingWriter(
      path: path,
      description: RecordingDescription(
        title: "fuzz", origin: .synthetic, guest: .init(ramBytes: 4 << 20, vcpus: 2), recorder: .init(name: "fuzz")),
      options: .init(columns: .linearPages, level: 1, runsPerBlock: 64, accessesPerBlock: 256))
    var count: UInt64 = 1
    var records = 0
    while !numbers.isEmpty, records < 200 {
      records += 1
      count += 1
      try write(numbers.next(UInt8.self), count, &numbers, writer)
    }
    _ = try writer.finish()
  }

  private func write(_ kind: UInt8, _ count: UInt64, _ numbers: inout InputNumbers, _ writer: RecordingWriter) throws {
    let vcpu = Int(kind >> 7)
    switch kind >> 4 & 7 {
    case 1:
      let offsets: [UInt64] = [0x300, 0x100, 0x200]
      let which = Int(kind & 15)
      let calls: [(HypercallNumber, UInt64, UInt64, UInt64, UInt64)] = [
        (.initialise, Self.code | 1, 0x81 << 12 | 2, Self.linear + 0x100, Self.linear + 0x200), (.enter, 0, 0, 0, 0),
        (.donateNode, 0x90, 16, 0, 0), (.protect, 0x10, 8, 3, 1), (.unprotect, 0x10, 4, 0, 1),
        (.setAction, 0x10, 2, 1, 1), (.exit, 0, 0, 0, 0), (.query, 0x10, 0, 0, 0), (.shutdown, 0, 0, 0, 0),
      ]
      let call = calls[which % calls.count]
      let edit = numbers.next(UInt8.self)
      let offset = call.0 == .enter ? offsets[1] : call.0 == .exit ? offsets[2] : offsets[0]
      try writer.event(
        .hypercall(
          .init(
            vcpu: vcpu, count: count, number: call.0.rawValue,
            arguments: .init(
              rdi: edit & 1 == 0 ? call.1 : numbers.next(), rsi: edit & 2 == 0 ? call.2 : numbers.next(),
              rdx: edit & 4 == 0 ? call.3 : numbers.next(), r10: edit & 8 == 0 ? call.4 : numbers.next()),
            rip: .init(Self.linear + offset), ripAddress: .init(Self.code + offset), rflags: edit & 16 == 0 ? 2 : 0x202,
            cpl: Int(edit >> 6), cr3: 0x1000)))
    case 2:
      switch kind & 3 {
      case 0: try writer.event(.cr3(.init(vcpu: vcpu, count: count, value: UInt64(numbers.next(UInt8.self)) << 12)))
      case 1:
        let shift = [12, 21, 30][Int(numbers.next(UInt8.self)) % 3]
        let linear = UInt64(numbers.next(UInt8.self)) << 12
        try writer.event(
          .map(
            .init(
              vcpu: vcpu, count: count, cr3: UInt64(numbers.next(UInt8.self) & 3) << 12, linear: .init(linear),
              pageShift: shift, entry: UInt64(numbers.next(UInt8.self)) << 12 | UInt64(numbers.next(UInt8.self)),
              tables: kind & 4 == 0 ? nil : .init(pml4e: numbers.next(), pdpte: numbers.next(), pde: numbers.next()))))
      case 2: try writer.event(.mark(.init(vcpu: vcpu, count: count, id: 1, rip: .init(0))))
      default: try writer.event(.cr3(.init(vcpu: vcpu, count: count, value: numbers.next())))
      }
    default:
      let page = UInt64(numbers.next(UInt8.self))
      let offset = UInt64(numbers.next(UInt8.self)) << 4 | UInt64(kind & 15)
      let address = page << 12 | offset
      try writer.write(
        vcpu: vcpu, count: count, gpa: .init(address), gva: .init(address), size: 1 + Int(kind & 63))
    }
  }
}
