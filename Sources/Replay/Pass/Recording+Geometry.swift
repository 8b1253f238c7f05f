extension Recording {
  /// The replay again with each of the assumed sizes at half and at double.
  func geometrySensitivity(under protection: Protection, request: ReplayRequest) throws -> [OverheadVariant] {
    let structure = request.choices.structures(on: request.profile)[0]
    return try request.profile.geometry.variants.map { name, geometry in
      var varied = request
      varied.profile.geometry = geometry
      varied.countersOnly = true
      let counts = try replay([nil] + request.strategies, under: protection, request: varied).map(\.counts)
      let prices = counts.dropFirst().map {
        StrategyPrice($0, beyond: counts[0], geometry: geometry).form(in: structure)
      }
      return OverheadVariant(name: name, request.strategies, prices, priced: request.profile)
    }
  }
}
