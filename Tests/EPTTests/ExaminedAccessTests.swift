import Addresses
import Testing

@testable import EPT

@Suite("Accesses whose freshness is examined")
struct ExaminedAccessTests {
  @Test("show an observer what they show it unexamined: every reference and every store, in their order")
  func observers() {
    Claims.table("observers of examined accesses") {
      for cache in [Policies.Cache.none, .maximal] {
        for kind in [AccessKind.dataRead, .dataWrite, .fetch] {
          func world() -> GuestWorld {
            var controls = Controls.ept
            controls.set(.enablePML, to: true)
            var policies = Policies()
            policies.cache = cache
            var world = GuestWorld(controls: controls, policies: policies)
            world.machine.eptp.rawValue |= 0x40
            world.machine.fields.pmlAddress = HostPhysicalAddress(0x6_0000)
            world.machine.fields.pmlIndex = 511
            return world
          }
          var (plain, examined) = (world(), world())
          // The second access finds what the first has cached, and the flags set.
          for round in 0..<2 {
            var (first, second) = (ReferenceLog(), ReferenceLog())
            let linear = GuestLinearAddress(0x9010)
            let outcome = plain.machine.access(linear: linear, kind, user: false, byteCount: 8, &first)
            let answer = examined.machine.examined(.linear(linear, kind, user: false, byteCount: 8), &second)
            let what = "\(cache), \(kind), access \(round)"
            claim(answer.outcome.observable == outcome.observable && answer.stale == nil, what)
            claim(first.references == second.references, "\(what): \(second.references.count) references")
            claim(first.writes == second.writes, "\(what): \(second.writes.count) stores")
            claim(round > 0 || first.writes.count > 5, "\(what): flags and the log")
          }
        }
      }
    }
  }
}
