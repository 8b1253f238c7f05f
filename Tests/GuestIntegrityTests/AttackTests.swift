import GuestIntegrity
import ScriptedGuest
import Testing

@Suite("Attacks")
struct AttackTests {
  @Test("matrix")
  func matrix() throws {
    for attack in Attack.all {
      print(attack.id, attack.name)
      for m in Mechanism.every {
        let o = try attack.run(under: m)
        print("   \(m.testDescription): \(o.kind.rawValue) — \(o.reason)")
      }
    }
  }
}
