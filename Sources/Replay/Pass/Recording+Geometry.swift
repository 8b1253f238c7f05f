extension Recording {
  /// The replay again with each of the assumed sizes at half and at double.
  func geometrySensitivity(under protection: Protection, request: ReplayRequest) throws -> [GeometryVariant] {
    try request.profile.geometry.variants.map { name, geometry in
      var varied = request
      varied.profile.geometry = geometry
      varied.countersOnly = true
      let prices = try replay([nil] + request.strategies, under: protection, request: varied).map {
        PriceList.price(of: $0.counts)
      }
      let overheads = prices.dropFirst().map { $0 - prices[0] }
      return GeometryVariant(
        name: name,
        order: Pricing(profile: request.profile, dimensions: request.dimensions).order(of: overheads).map {
          request.strategies[$0].name
        },
        overheadCycles: Dictionary(
          uniqueKeysWithValues: zip(request.strategies, overheads).map { ($0.name, $1.priced(by: request.profile)) }))
    }
  }
}
