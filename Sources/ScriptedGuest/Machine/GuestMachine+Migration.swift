import Addresses
import EPT
import GuestIntegrity

/// A scripted machine on its way to another host: what the guest sees, and what its hypervisor knows.
package struct MachineImage: Sendable {
  /// The hypervisor's state, as ``Snapshot/bytes``.
  package var state: [UInt8]
  /// Pages of guest memory that hold anything.
  package var memory: [GuestPageNumber: [UInt64]]
  /// The registers of each vCPU.
  package var registers: [GuestRegisters]
  /// Vectors of interrupts that wait to be let in, by vCPU.
  package var pendingInterrupts: [[UInt8]]
  /// How many instructions have been executed.
  package var time: UInt64
}

/// Why a machine did not arrive.
package enum MigrationError: Error, Hashable, Sendable {
  /// The other host cannot set up such a machine.
  case host(HypervisorError)
  /// The state is not one a hypervisor has saved.
  case state(SnapshotError)
  /// The state does not fit the machine or its memory.
  case restore(RestoreError)
}

extension GuestMachine {
  /// Stops between two instructions and packs up: alerts that have not been taken stay behind, in their rings.
  package func image() -> MachineImage {
    let state = hypervisor.snapshot(time: time).bytes
    var pages: [GuestPageNumber: [UInt64]] = [:]
    for number in 0..<GuestLayout.ramBytes >> 12 {
      let page = GuestPageNumber(number)
      guard let frame = hypervisor.frame(of: page) else { continue }
      let words = (0..<512).map { memory.load(HostPhysicalAddress(frame.rawValue + UInt64($0) * 8)) }
      if words.contains(where: { $0 != 0 }) { pages[page] = words }
    }
    return MachineImage(
      state: state, memory: pages, registers: hypervisor.processors.registers,
      pendingInterrupts: hypervisor.processors.pending, time: time)
  }

  /// Arrives on another host, whose hypervisor is set up alike: with empty caches and tables of its own.
  package convenience init(
    _ image: MachineImage, _ configuration: Configuration, cache: Policies.Cache = .maximal
  ) throws(MigrationError) {
    do throws(HypervisorError) {
      try self.init(configuration, registers: image.registers, cache: cache)
    } catch { throw .host(error) }
    for (page, words) in image.memory {
      for (index, word) in words.prefix(512).enumerated() {
        setWord(word, at: GuestPhysicalAddress(page.address.rawValue + UInt64(index) * 8))
      }
    }
    for (vcpu, vectors) in image.pendingInterrupts.prefix(image.registers.count).enumerated() {
      hypervisor.processors.pending[vcpu] = vectors
    }
    time = image.time
    let snapshot: Snapshot
    do throws(SnapshotError) { snapshot = try Snapshot(bytes: image.state) } catch { throw .state(error) }
    do throws(RestoreError) { try hypervisor.restore(snapshot) } catch { throw .restore(error) }
    configureProcessors()
  }
}
