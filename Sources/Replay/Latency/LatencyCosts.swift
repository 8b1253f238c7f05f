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
      profile.cost(of: $0).bracket.corners
    }
    let data = profile.geometry.dataLines ?? .usual
    lines = LineCosts(
      sizes: [data.l1, data.l2, data.l3].map(Double.init), latencies: latencies,
      handlerLines: profile.hypervisor.handlerLines.bracket.corners)
    frequencyMHz = profile.processor.frequencyMHz.value
    leavingGuest = profile.cost(of: .vmcallRoundTrip).bracket.corners / 2
  }

  /// A price from the one price list.
  func price(_ form: LinearForm) -> AtCorners { form.priced(by: profile).corners }
}
