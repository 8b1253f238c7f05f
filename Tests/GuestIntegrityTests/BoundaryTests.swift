import Addresses
import EPT
import MonitorTree
import Testing

@testable import GuestIntegrity

@Suite("The last that is taken, and the first that is not")
struct BoundaryTests {
  @Test("of a machine's memory is what it asks for: the whole of it will do, a page less will not")
  func hostMemory() throws {
    let needed = Hypervisor<RecordingProcessors>.hostBytes(ramBytes: Fixture.ramPages << 12)
    #expect(try Fixture(spareBytes: 0).hypervisor.vcpuCount == 1)
    #expect(throws: HypervisorError.hostMemorySize(found: needed - 4096, needed: needed)) {
      _ = try Fixture(spareBytes: -4096)
    }
  }

  @Test("of actions is every one that has a name; a bit beyond them is refused", arguments: [9, 10, 12, 15, 16, 63])
  func actions(bit: UInt64) throws {
    let fixture = try Fixture.armed()
    let page = GuestPageNumber(0x3000)
    fixture.inIntegrityMode {
      for number in [HypercallNumber.protect, .setAction] {
        #expect(fixture.call(number, page.rawValue, 1, 0x1ff, 1) == .success)
        #expect(fixture.call(number, page.rawValue, 1, 1 << bit, 1).error == .reservedActions)
        #expect(fixture.call(number, page.rawValue, 1, 1 << bit | 0x1ff, 1).error == .reservedActions)
      }
    }
    let every = AlertActions(rawValue: 0x1ff)
    #expect(fixture.write(page: page)?.finding == .alert(.protected, region: RegionID(1), actions: every))
  }

  @Test("of what is counted of an act is the 255th")
  func acts() {
    for act in Act.allCases {
      var acts = Acts()
      for count in 1...300 {
        acts.note(act)
        #expect(Int(acts[act]) == min(count, 255))
      }
      for other in Act.allCases where other != act { #expect(acts[other] == 0) }
    }
  }

  @Test("of a window entered by VMFUNC is the VMFUNC that ends it, which must be fetched from the driver's code")
  func windowsByVMFUNC() throws {
    let fixture = try Fixture.armed(.eptpByVMFUNC) { $0.silenceLimit = 1000 }
    let before = fixture.hypervisor.counters[.entries]
    for count in 1...3 as ClosedRange<UInt64> {
      fixture.inIntegrityMode { #expect(fixture.hypervisor.counters[.entries] == before + count) }
      #expect(fixture.hypervisor.counters[.entries] == before + count)
    }
    #expect(fixture.events.isEmpty)
    for number in [HypercallNumber.exit, .enter] {
      fixture.enter()
      let foreign = GuestPhysicalAddress(0x3000_200)
      _ = fixture.call(number, offset: Fixture.exitOffset) { $0.ripAddress = foreign }
      let events = fixture.events
      #expect(events.first?.cause == .integrityFault, "\(number): \(events)")
      #expect(
        events.first?.detail == IntegrityFault.foreignFetch.rawValue && events.first?.address == foreign,
        "\(number): \(events)")
      #expect(fixture.hypervisor.mode(of: 0) == .normal)
    }
  }

  @Test(
    "of silence is the limit since the end of the last window, however it was entered", arguments: Mechanism.switchings)
  func silence(switching: any Switching) throws {
    let fixture = try Fixture.armed(switching) { $0.silenceLimit = 1000 }
    _ = fixture.enter { $0.time = 5000 }
    _ = fixture.call(.exit, offset: Fixture.exitOffset) { $0.time = 6000 }
    #expect(fixture.events.isEmpty)
    fixture.hypervisor.advance(to: 7000, on: 0)
    #expect(fixture.events.isEmpty)
    fixture.hypervisor.advance(to: 7001, on: 0)
    #expect(fixture.events.map(\.cause) == [.silence])
  }

  @Test("of what a drain touches is the page that is to be logged: another one in the log keeps its entry as it is")
  func foreignLogEntries() throws {
    let fixture = try Fixture.armed {
      $0.mechanism = Mechanism(switching: .filterByMode, noticing: .modificationLog, completion: .alreadyDone)
    }
    let other = GuestPageNumber(0x3000)
    let edits = fixture.hypervisor.processors.edits
    fixture.hypervisor.processors.modificationLog = [other.address]
    let verdicts = fixture.hypervisor.drainModificationLog(of: 0, time: 1)
    #expect(verdicts.map(\.isAlert) == [false])
    #expect(fixture.hypervisor.processors.edits == edits)
    fixture.hypervisor.processors.modificationLog = [Fixture.text.first.address]
    #expect(fixture.hypervisor.drainModificationLog(of: 0, time: 2).map(\.isAlert) == [true])
  }
}
