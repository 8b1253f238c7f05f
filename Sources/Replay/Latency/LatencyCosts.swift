import MonitorTree

/// What a profile says of latency beyond its price list, at the three corners.
struct LatencyCosts {
  private let profile: CycleProfile
  let lines: LineCosts
  let frequencyMHz: Double
  var cyclesPerNanosecond: Double { frequencyMHz / 1000 }
  /// The way from a guest that has raised an alert by itself to the hypervisor: half a round trip.
  let leavingGuest: AtCorners

  init(_ profile: CycleProfile) {
    self.profile = profile
    let latencies = [CostParameter.l1Reference, .l2Reference, .l3Reference, .dramReference].map {
      profile.cost(of: $0).corners
    }
    lines = LineCosts(
      sizes: [512, 16384, 393_216], latencies: latencies, handlerLines: AtCorners(10, 40, 120))
    frequencyMHz = 2600
    leavingGuest = profile.cost(of: .vmcallRoundTrip).corners / 2
  }

  /// A price from the one price list.
  func price(_ form: LinearForm) -> AtCorners { form.priced(by: profile).corners }

  /// What alert actions cost once the alert is in the ring.
  func cost(of actions: AlertActions) -> AtCorners { .zero }
}

extension CycleProfile.Parameter {
  var corners: AtCorners { AtCorners(low, value, high) }
}
