import Addresses
import MonitorTree

@testable import GuestIntegrity

/// Snapshots of a hypervisor: any bytes, and any fields with length and digest put right.
struct SnapshotFuzz: FuzzTarget {
  private static let headerBytes = 20
  private static let digestBytes = 8

  var seeds: [[UInt8]] {
    var snapshot = Snapshot(
      mechanism: Mechanism(switching: .eptpByExit).names, sets: [.normal, .integrity], pageCount: 64,
      vcpus: [VirtualCPU(), VirtualCPU()],
      registration: nil, counters: Counters(), machine: MachineState(), lastWindow: 0, isShutDown: false,
      base: NodeReference(rawValue: 0), traceClients: 2, traces: [], unmapped: [])
    var seeds = [snapshot.bytes]
    guard let code = PageRange(first: GuestPageNumber(4), count: 2),
      let data = PageRange(first: GuestPageNumber(8), count: 4)
    else { return seeds }
    let gate = Registration.Gate(address: GuestLinearAddress(0x4000), page: code.first)
    snapshot.registration = Registration(code: code, data: data, entry: gate, exit: gate)
    snapshot.traces = [TraceRun(range: code, guestIntegrity: .protection, counts: [1, 0])]
    snapshot.unmapped = [data]
    seeds.append(snapshot.bytes)
    return [[0] + seeds[1]] + seeds.map { [1] + $0.dropFirst(Self.headerBytes).dropLast(Self.digestBytes) }
  }

  func read(_ input: UnsafeRawBufferPointer) {
    guard let kind = input.first else { return }
    let rest = Array(input.dropFirst())
    read(kind & 1 == 0 ? rest : Snapshot.sealed { writer in for byte in rest { writer.put(byte) } })
  }

  private func read(_ bytes: [UInt8]) {
    guard let snapshot = try? Snapshot(bytes: bytes) else { return }
    // What was understood is understood again.
    do {
      let again = try Snapshot(bytes: snapshot.bytes)
      precondition(again == snapshot)
    } catch { fatalError("a snapshot does not read its own bytes: \(error)") }
  }
}
