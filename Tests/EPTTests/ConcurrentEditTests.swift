import Addresses
import Testing

@testable import EPT

/// Memory in which another processor stores a word right after the n-th load.
private final class MeddlingMemory: PhysicalMemory {
  let memory = SparseMemory()
  var meddling: (load: Int, address: HostPhysicalAddress, value: UInt64)?
  private(set) var loads = 0

  func load(_ address: HostPhysicalAddress) -> UInt64 {
    let value = memory.load(address)
    loads += 1
    if let meddling, loads == meddling.load { memory.store(meddling.value, at: meddling.address) }
    return value
  }

  func store(_ value: UInt64, at address: HostPhysicalAddress) { memory.store(value, at: address) }

  func compareExchange(at address: HostPhysicalAddress, expected: UInt64, desired: UInt64) -> UInt64 {
    memory.compareExchange(at: address, expected: expected, desired: desired)
  }
}

@Suite("Entries that another processor changes during an access")
struct ConcurrentEditTests {
  private static let entries =
    [(0x1000, 0x2007), (0x2000, 0x3007), (0x3000, 0x4007), (0x4028, 0x5037)] as [(UInt64, UInt64)]

  private static func machine() -> EPTMachine<MeddlingMemory> {
    let machine = EPTMachine(memory: MeddlingMemory(), eptp: EPTPointer(0x105e))
    for (address, value) in entries + [(0x1_3000, 0x4007), (0x1_4028, 0x1_5037)] {
      machine.memory.store(value, at: HostPhysicalAddress(address))
    }
    // The other tables: a page directory and a page table, reached by an entry with bit 16.
    machine.memory.store(0x1_3007, at: HostPhysicalAddress(0x1_2000))
    return machine
  }

  @Test(
    "are walked again before a flag is set: the access is as after a change of where it leads, and no change is not lost"
  )
  func edits() {
    Claims.table("entries changed during an access") {
      let flags = EPTEntry.accessedBit | EPTEntry.dirtyBit
      for (address, value) in Self.entries {
        // Elsewhere, without a right, without any, misconfigured, and with a right more that nobody needs.
        for change in [value | 0x1_0000, value & ~2, 0, value & ~1, value | 1 << 62] {
          for kind in [AccessKind.dataRead, .dataWrite] {
            let access = GuestAccess(GuestPhysicalAddress(0x5000), kind)
            var after = Self.machine()
            after.memory.store(change, at: HostPhysicalAddress(address))
            let wanted = after.access(access)
            // A right that an upper entry loses meanwhile may still count: the access came before that.
            var before = Self.machine()
            let mayPrecede = change == value & ~2 && address < 0x4000
            let earlier = mayPrecede ? before.access(access) : wanted
            for load in 1...8 {
              var machine = Self.machine()
              machine.memory.meddling = (load, HostPhysicalAddress(address), change)
              let outcome = machine.access(access)
              let what = "\(hex(value)) to \(hex(change)) at load \(load), \(kind)"
              claim(machine.memory.loads >= load, "\(what): nothing was changed")
              claim(
                outcome.observable == wanted.observable || outcome.observable == earlier.observable,
                "\(what): \(outcome.summary), not \(wanted.summary)")
              let now = machine.memory.memory.load(HostPhysicalAddress(address))
              claim(now & ~flags == change & ~flags, "\(what): the entry is \(hex(now))")
            }
          }
        }
      }
    }
  }
}
