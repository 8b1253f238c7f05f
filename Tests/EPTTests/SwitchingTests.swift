import Addresses
import Testing

@testable import EPT

@Suite("EPT pointers: VM entry, VMFUNC, INVEPT, INVVPID")
struct SwitchingTests {
  static func machine() -> EPTMachine<SparseMemory> {
    var controls = Controls.ept
    controls.set(.enableVMFunctions, to: true)
    controls.vmFunctions = 1
    var machine = EPTMachine(memory: SparseMemory(), controls: controls, eptp: EPTPointer(0x101e))
    machine.fields.eptpList = HostPhysicalAddress(0x50000)
    return machine
  }

  @Test("are valid exactly as the processor's capabilities say, bit by bit")
  func validity() {
    Claims.table("EPTP validity") {
      for width in [36, 46, 52] {
        var capabilities = Capabilities.all
        capabilities.physicalAddressWidth = PhysicalAddressWidth(width) ?? .bits46
        for type in UInt64(0)..<8 {
          for (feature, value) in [(Capabilities.Feature.typeUncacheable, UInt64(0)), (.typeWriteBack, 6)] {
            var lacking = capabilities
            lacking.set(feature, to: false)
            let valid = type == 0 || type == 6
            claim(EPTPointer(0x1018 | type).isValid(on: capabilities) == valid, "type \(type)")
            claim(EPTPointer(0x1018 | type).isValid(on: lacking) == (valid && type != value), "type \(type) lacking")
          }
        }
        for lengths in 0..<4 {
          var offered = capabilities
          offered.set(.walkLength4, to: lengths & 1 != 0)
          offered.set(.walkLength5, to: lengths & 2 != 0)
          for length in UInt64(0)..<8 {
            let expected = (length == 3 && lengths & 1 != 0) || (length == 4 && lengths & 2 != 0)
            claim(EPTPointer(0x1006 | length << 3).isValid(on: offered) == expected, "length \(length) of \(lengths)")
          }
        }
        for (bit, feature) in [(6, Capabilities.Feature.accessedDirty), (7, .supervisorShadowStack)] {
          var lacking = capabilities
          lacking.set(feature, to: false)
          let pointer = EPTPointer(0x101e | 1 << UInt64(bit))
          claim(pointer.isValid(on: capabilities) && !pointer.isValid(on: lacking), "bit \(bit)")
        }
        for bit in 8..<64 {
          let expected = (12..<width).contains(bit)
          claim(EPTPointer(0x1e | 1 << UInt64(bit)).isValid(on: capabilities) == expected, "bit \(bit) of \(width)")
        }
      }
    }
  }

  @Test("are refused by VM entry, with everything else it checks, for the stated reason alone")
  func vmEntry() {
    Claims.table("VM-entry checks") {
      var good = Self.machine()
      good.controls.set([.enablePML, .eptViolationVE, .subPageWritePermissions, .enableVPID], to: true)
      good.fields.vpid = 7
      claim(good.vmEntryFailures() == [], "all set well: \(good.vmEntryFailures())")
      let changes: [(String, (inout EPTMachine<SparseMemory>) -> Void, VMEntryFailure)] = [
        ("memory type", { $0.eptp = EPTPointer(0x101d) }, .eptPointer(.memoryType(5))),
        ("walk length", { $0.eptp = EPTPointer(0x1026) }, .eptPointer(.walkLength(4))),
        ("bit 8", { $0.eptp = EPTPointer(0x111e) }, .eptPointer(.reservedLow(0x100))),
        ("bit 46", { $0.eptp = EPTPointer(1 << 46 | 0x101e) }, .eptPointer(.reservedHigh(1 << 46))),
        ("functions", { $0.controls.vmFunctions = 3 }, .vmFunctions(2)),
        ("list", { $0.fields.eptpList.rawValue = 8 }, .address("EPTP-list address", HostPhysicalAddress(8))),
        ("log", { $0.fields.pmlAddress.rawValue = 1 << 46 }, .address("PML address", HostPhysicalAddress(1 << 46))),
        (
          "area", { $0.fields.exceptionInformation.rawValue = 0x800 },
          .address("virtualization-exception information address", HostPhysicalAddress(0x800))
        ),
        ("SPPTP", { $0.fields.spptp.rawValue = 1 << 63 }, .address("SPPTP", HostPhysicalAddress(1 << 63))),
        ("VPID", { $0.fields.vpid = 0 }, .vpidZero),
        ("HLAT", { $0.controls.set(.enableHLAT, to: true) }, .notOffered("enable HLAT")),
      ]
      for (name, change, failure) in changes {
        var machine = good
        change(&machine)
        claim(machine.vmEntryFailures() == [failure], "\(name): \(machine.vmEntryFailures())")
      }
      let dependents: [(Controls.Secondary, Controls.Tertiary)] = [
        (.unrestrictedGuest, []), (.enablePML, []), (.modeBasedExecute, []), (.subPageWritePermissions, []),
        (.processorTraceUsesGPA, []), ([], .enableHLAT), ([], .pagingWrite), ([], .guestPagingVerification),
      ]
      for (secondary, tertiary) in dependents {
        var machine = EPTMachine(memory: SparseMemory(), controls: .ept, eptp: EPTPointer(0))
        machine.controls.set(.enableEPT, to: false)
        claim(machine.vmEntryFailures() == [], "no EPT, no dependents")
        machine.controls.set(secondary, to: true)
        machine.controls.set(tertiary, to: true)
        // HLAT is refused for itself as well.
        let count = tertiary == .enableHLAT ? 2 : 1
        claim(machine.vmEntryFailures().count == count, "\(secondary) \(tertiary) without EPT")
        machine.controls.primary = 0
        claim(machine.vmEntryFailures() == [], "words that are not activated count as 0")
      }
      var switching = Self.machine()
      switching.controls.set(.enableEPT, to: false)
      claim(switching.vmEntryFailures() == [.switchingNeedsEPT], "EPTP switching without EPT")
      switching.controls.vmFunctions = 0
      claim(switching.vmEntryFailures() == [], "VM functions without EPTP switching")
    }
  }

  @Test("switch by VMFUNC after its checks, in their order")
  func vmfunc() {
    Claims.table("VMFUNC") {
      var machine = Self.machine()
      let list = { (index: UInt64, value: UInt64) in
        machine.memory.store(value, at: HostPhysicalAddress(0x50000 + index * 8))
      }
      list(5, 0x205e)
      list(511, 0x601e)
      list(6, 0x2026)
      list(7, 0x201f)
      // What follows the list is good, and none of its business; so is where an index of 32 bits or its low half would lead.
      for index in [512, 513, 0x1_0000, 0xffff_ffff] as [UInt64] { list(index, 0x701e) }
      claim(machine.vmfunc(eax: 0, ecx: 5) == .switched(EPTPointer(0x205e), index: 5), "switch")
      claim(machine.eptp == EPTPointer(0x205e) && machine.fields.eptpIndex == 5, "pointer and index")
      claim(machine.vmfunc(eax: 0, ecx: 5) == .switched(EPTPointer(0x205e), index: 5), "the same again")
      claim(machine.vmfunc(eax: 0, ecx: 511) == .switched(EPTPointer(0x601e), index: 511), "the last of the list")
      for (eax, ecx, expected) in [
        (64, 5, .undefinedOpcode), (0xffff_ffff, 512, .undefinedOpcode), (63, 5, .exit), (1, 5, .exit), (0, 512, .exit),
        (0, 513, .exit), (0, 0x1_0000, .exit), (0, 0x1_0005, .exit), (0, 0x8000_0005, .exit), (0, 0xffff_ffff, .exit),
        (0, 6, .exit), (0, 7, .exit), (0, 8, .exit),
      ] as [(UInt32, UInt32, VMFunctionOutcome)] {
        claim(machine.vmfunc(eax: eax, ecx: ecx) == expected, "EAX \(eax), ECX \(ecx)")
        claim(machine.eptp == EPTPointer(0x601e) && machine.fields.eptpIndex == 511, "nothing changed")
      }
      machine.controls.set(.processorTraceUsesGPA, to: true)
      machine.guest.traceEnabled = true
      claim(machine.vmfunc(eax: 0, ecx: 5) == .exit, "while trace output is being made")
      machine.guest.traceEnabled = false
      machine.capabilities.virtualizationExceptions = false
      claim(machine.vmfunc(eax: 0, ecx: 5) == .switched(EPTPointer(0x205e), index: 511), "no #VE: the index stays")
      machine.controls.vmFunctions = 0
      claim(machine.vmfunc(eax: 0, ecx: 5) == .exit, "EPTP switching disabled")
      machine.controls.set(.enableVMFunctions, to: false)
      claim(machine.vmfunc(eax: 0, ecx: 5) == .undefinedOpcode, "VM functions disabled")
    }
  }

  @Test("switch between lengths never, within a length always")
  func lengths() {
    Claims.table("VMFUNC between lengths") {
      for (from, to) in [(0x101e, 0x201e), (0x101e, 0x2026), (0x1026, 0x201e), (0x1026, 0x2026)] as [(UInt64, UInt64)] {
        var machine = Self.machine()
        machine.capabilities.set(.walkLength5, to: true)
        machine.eptp = EPTPointer(from)
        machine.memory.store(to, at: HostPhysicalAddress(0x50000))
        let isSame = (from ^ to) & 0x38 == 0
        let outcome = machine.vmfunc(eax: 0, ecx: 0)
        claim(outcome == (isSame ? .switched(EPTPointer(to), index: 0) : .exit), "\(hex(from)) to \(hex(to))")
        claim(machine.eptp == EPTPointer(isSame ? to : from), "the pointer after \(hex(from)) to \(hex(to))")
      }
    }
  }

  @Test("name what INVEPT drops, and must be good ones")
  func invept() {
    Claims.table("INVEPT") {
      var machine = Self.machine()
      for type in UInt64(0)..<6 {
        let good: InvalidationOutcome = type == 1 || type == 2 ? .success : .invalidOperand
        claim(machine.invept(type: type, eptp: EPTPointer(0x101e)) == good, "type \(type)")
        let bad: InvalidationOutcome = type == 2 ? .success : .invalidOperand
        claim(machine.invept(type: type, eptp: EPTPointer(0x1000)) == bad, "type \(type), bad pointer")
      }
      for (mode, outcome) in [
        (.outside, .undefinedOpcode), (.nonRoot, .exit(reason: 50)), (.root(privilegeLevel: 3), .generalProtection),
      ] as [(ExecutionMode, InvalidationOutcome)] {
        claim(machine.invept(type: 9, eptp: EPTPointer(0), mode: mode) == outcome, "\(mode)")
      }
      machine.capabilities.set(.inveptAll, to: false)
      claim(machine.invept(type: 2, eptp: EPTPointer(0)) == .invalidOperand, "type 2 unsupported")
      machine.capabilities.set(.invept, to: false)
      claim(machine.invept(type: 1, eptp: EPTPointer(0x101e)) == .undefinedOpcode, "no INVEPT")
    }
  }

  @Test("have nothing to do with INVVPID, which looks at VPID, reserved bits and address")
  func invvpid() {
    Claims.table("INVVPID") {
      var machine = Self.machine()
      let high: UInt64 = 0x8000_0000_0000
      for (type, vpid, linear, good) in [
        (0, 1, 0, true), (0, 0, 0, false), (0, 1, high, false), (0, 1, high - 1, true), (0, 1, ~0 << 47, true),
        (0, 0x10000, 0, false), (1, 1, high, true), (1, 0, 0, false), (1, 1 << 63 | 1, 0, false), (2, 0, high, true),
        (2, 0x10000, 0, false), (3, 0xffff, 0, true), (3, 0, 0, false), (4, 1, 0, false), (~0, 1, 0, false),
      ] as [(UInt64, UInt64, UInt64, Bool)] {
        let outcome = machine.invvpid(type: type, vpid: vpid, linear: GuestLinearAddress(linear))
        claim((outcome == .success) == good, "type \(type), VPID \(hex(vpid)), address \(hex(linear)): \(outcome)")
      }
      claim(
        machine.invvpid(type: 0, vpid: 1, linear: GuestLinearAddress(0), mode: .nonRoot) == .exit(reason: 53), "exit")
    }
  }
}
