extension PublishedCheck {
  /// A write-protect fault while so many vCPUs fault at once: ``LockContention`` with the profile's lock, held against what was
  /// published of KVM. No recording can show it.
  static func contention(of profile: CycleProfile) -> [PublishedCheck] {
    guard profile.name == ProfileLibrary.defaultName else { return [] }
    var fault = PriceList.price(of: .violationExits)
    fault.add(PriceList.price(of: .entryEdits), times: 1)
    let alone = nanoseconds(fault.priced(by: profile), of: profile).corners
    let hold = profile.hypervisor.mmuLockHold.bracket.corners
    let published: [(vcpus: Int, nanoseconds: Double, kind: Kind, source: String)] = [
      (2, 960, .emergent, "0.96 us with 2 vCPUs faulting, KVM"),
      (8, 3820, .identity, "3.82 us with 8 vCPUs faulting, KVM; the lock's hold was set from the growth"),
    ]
    return published.map { published in
      let means = (0..<3).map { corner in
        // What a fault takes alone includes the lock that nobody else holds.
        LockContention(
          vcpus: published.vcpus, outside: max(0, alone[corner] - hold[corner]), hold: hold[corner]
        ).meanFault(seed: 1)
      }
      return PublishedCheck(
        "write-protect fault with \(published.vcpus) vCPUs faulting at once, ns", of: profile.name, published.kind,
        modelled: Bracket(enclosing: AtCorners(means)), published: published.nanoseconds * 0.95,
        to: published.nanoseconds * 1.05, source: published.source)
    }
  }
}
