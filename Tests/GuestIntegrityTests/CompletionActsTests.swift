import Addresses
import EPT
import Testing

@testable import Execution
@testable import GuestIntegrity
@testable import ScriptedGuest

@Suite("What completing a refused store has the processors do")
struct CompletionActsTests {
  static let ways: [(any Completion, Acts)] = [
    (.emulate, Acts(.emulatedStore)), (.singleStep, Acts(.eptpWrite, .monitorTrapExit, .eptpWrite)),
    (.viewSwitch, Acts(.vmfuncSwitch, .vmfuncSwitch)),
  ]

  @Test("is counted act by act", arguments: ways)
  func acts(completion: any Completion, expected: Acts) throws {
    let mechanism = try #require(Mechanism.every.first { $0.completion == completion })
    let machine = try GuestMachine.armed(mechanism)
    let word = GuestPhysicalAddress(GuestLayout.text.first.address.rawValue + 0x800)
    let access = ScriptedAccess(
      vcpu: 1, linear: GuestLayout.direct(word), kind: .dataWrite, bytes: [UInt8](repeating: 5, count: 8),
      place: HostPhysicalAddress(word.rawValue))
    var hand = CompletingHand(machine, access, Store(vcpu: 1, address: word, size: 8))
    completion.complete(by: &hand)
    #expect(hand.takeActs() == expected)
    #expect(hand.takeActs() == Acts())
    #expect(hand.isPerformed && machine.word(at: word) == 0x0505_0505_0505_0505)
  }
}
