import Addresses
import Testing

@testable import EPT

/// Vectors that can be checked by hand: 46 address bits, every capability but advanced exit information.
@Suite("The worked vectors")
struct WorkedVectorTests {
  let memory = SparseMemory()
  var machine: EPTMachine<SparseMemory>

  init() {
    let words: [(UInt64, UInt64)] = [
      (0x1000, 0x2007), (0x2000, 0x3007), (0x2008, 0x4000_00b7), (0x3000, 0x4007), (0x3008, 0x2000_00b7),
      (0x3010, 0x2010_00b7), (0x4028, 0x7031), (0x4030, 0x8032), (0x4038, 0x9034), (0x4040, 0xa077), (0x4048, 0xb037),
    ]
    for (address, value) in words { memory.store(value, at: HostPhysicalAddress(address)) }
    var capabilities = Capabilities.all
    capabilities.set(.advancedExitInformation, to: false)
    machine = EPTMachine(memory: memory, capabilities: capabilities, eptp: EPTPointer(0x101e))
  }

  mutating func access(_ gpa: UInt64, _ kind: AccessKind) -> String {
    let outcome = machine.access(GuestAccess(GuestPhysicalAddress(gpa), kind, gla: GuestLinearAddress(gpa)))
    return switch outcome {
    case .translated(let translation): "hpa " + hex(translation.hpa.rawValue)
    case .violation(let violation): "violation " + hex(violation.qualification.rawValue)
    case .misconfiguration: "misconfiguration"
    case .pmlFull: "log full"
    default: "\(outcome)"
    }
  }

  func word(_ address: UInt64) -> UInt64 { memory.load(HostPhysicalAddress(address)) }

  @Test("come out as worked, flags disabled")
  mutating func flagsDisabled() {
    let vectors: [(UInt64, AccessKind, String)] = [
      (0x5123, .dataRead, "hpa 7123"), (0x5123, .dataWrite, "violation 18a"), (0x5123, .codeFetch, "violation 18c"),
      (0x6123, .dataRead, "misconfiguration"), (0x7123, .codeFetch, "hpa 9123"), (0x7123, .dataRead, "violation 1a1"),
      (0x8123, .dataWrite, "hpa a123"), (0xa123, .dataWrite, "violation 182"),
      (0x21_2345, .dataWrite, "hpa 20012345"), (0x40_0000, .dataRead, "misconfiguration"),
      (0x4001_2345, .dataWrite, "hpa 40012345"), (0x40_1234_5678, .dataRead, "violation 181"),
      (0x1_0000_0000_0000, .dataRead, "violation 181"),
    ]
    for (gpa, kind, expected) in vectors { #expect(access(gpa, kind) == expected, "\(String(gpa, radix: 16))") }
    machine.capabilities.set(.executeOnly, to: false)
    #expect(access(0x7123, .codeFetch) == "misconfiguration")
  }

  @Test("come out as worked, flags enabled: a denied guest read of a table is a write and leaves no flag")
  mutating func flagsEnabled() {
    machine.eptp = EPTPointer(0x105e)
    #expect(access(0x5123, .pagingRead) == "violation 8b")
    #expect([0x1000, 0x2000, 0x3000, 0x4028].map(word) == [0x2007, 0x3007, 0x4007, 0x7031])
    #expect(access(0x8123, .pagingRead) == "hpa a123")
    #expect([0x1000, 0x2000, 0x3000, 0x4040].map(word) == [0x2107, 0x3107, 0x4107, 0xa377])
  }

  @Test("come out as worked, modifications logged")
  mutating func logged() {
    machine.eptp = EPTPointer(0x105e)
    machine.controls.set(.enablePML, to: true)
    machine.fields.pmlAddress = HostPhysicalAddress(0x60000)
    #expect(access(0x21_2345, .dataWrite) == "hpa 20012345")
    #expect(word(0x60ff8) == 0x21_2000)
    #expect(word(0x3008) == 0x2000_03b7)
    #expect(machine.fields.pmlIndex == 0x1fe)
    #expect(access(0x21_3000, .dataWrite) == "hpa 20013000")
    #expect(machine.fields.pmlIndex == 0x1fe)
    #expect(access(0x8123, .pagingRead) == "hpa a123")
    machine.fields.pmlIndex = 0xffff
    #expect(access(0x9abc, .dataRead) == "log full")
    #expect(word(0x4048) == 0xb037)
    #expect(access(0x8abc, .dataWrite) == "hpa aabc")
    #expect(machine.fields.pmlIndex == 0xffff)
  }
}
