import Replay

extension RunResult {
  /// What the strategies cost, for the eye.
  var costPictures: [Document.Block] {
    func chart(_ title: String, _ path: KeyPath<StrategyResult, Bracket>) -> Document.Block {
      .picture(
        .bars(
          BarChart(
            title: title, unit: "cycles",
            bars: strategies.map { BarChart.Bar(label: $0.name, bracket: $0[keyPath: path]) })))
    }
    return [
      chart("Modelled overhead beyond the same guest unmonitored", \.overheadCycles),
      chart("Modelled guest stall because of notifications", \.guestStallCycles),
    ]
  }

  /// How long notifications take, for the eye: in as many points as the run has kept.
  var latencyPictures: [Document.Block] {
    let plots = strategies.compactMap { strategy -> CurveChart.Plot? in
      let kept = pictures?.curves.first { $0.strategy == strategy.name }
      func points(_ end: LatencyEnd, _ curve: KeyPath<LatencyCurves, [LatencyCurves.Point]>) -> [LatencyCurves.Point] {
        kept?[keyPath: curve] ?? end.percentiles(of: strategy.notifications)?.points ?? []
      }
      let curves = [
        ("raised", points(.raised, \.raised)), ("delivered", points(.delivered, \.delivered)),
      ].filter { !$0.1.isEmpty }
      return curves.isEmpty ? nil : CurveChart.Plot(label: strategy.name, curves: curves)
    }
    return plots.isEmpty
      ? []
      : [
        .picture(
          .curves(
            CurveChart(
              title: "How long notifications take from a store's issue, on the same axes", unit: "modelled cycles",
              plots: plots)))
      ]
  }

  /// What a notification is made of, for the eye.
  var stagePictures: [Document.Block] {
    guard let stages = pictures?.stages, !stages.isEmpty else { return [] }
    let bars = stages.map { StackChart.Bar(label: $0.strategy, values: $0.cycles) }
    return [
      .picture(
        .stacks(
          StackChart(
            title: "What the guest waits for in a notification, on average, without what caches left cold add",
            unit: "modelled cycles", parts: Stage.allCases.map(\.rawValue), bars: bars)))
    ]
  }

  /// When and where notifications were, for the eye; nothing where nobody kept it.
  var placePictures: [Document.Block] {
    guard let pictures, pictures.count > 0 else { return [] }
    let places = pictures.marks.map { (at: Double($0.store), name: $0.name) }
    let windows = StripChart.Strip(label: "windows of integrity mode", cells: pictures.windows)
    func chart(_ title: String, _ unit: String, _ strips: [StripChart.Strip], isShaded: Bool, lines: Bool)
      -> Document.Block
    {
      .picture(
        .strips(
          StripChart(
            title: title, unit: unit, axis: "stores of the recording, of all vCPUs", end: Double(pictures.stores),
            isShaded: isShaded, strips: strips, places: lines ? places : [])))
    }
    let left = pictures.marksLeftOut > 0 ? "; \(pictures.marksLeftOut) later marks are left out" : ""
    return [
      .heading("When and where"),
      chart(
        "Notifications under \(pictures.strategy) by time, a strip for each vCPU, and the driver's windows; lines are marks\(left)",
        "notifications or windows", pictures.byVCPU.map { .init(label: $0.label, cells: $0.cells) } + [windows],
        isShaded: false, lines: true),
      chart(
        "The same by what was stored to", "notifications",
        pictures.byTarget.map { .init(label: $0.label, cells: $0.cells) }, isShaded: true, lines: false),
    ]
  }

  /// What each region costs, for the eye, under the cheapest strategy of each contract.
  var regionPictures: [Document.Block] {
    guard let rankings else { return [] }
    return Contract.allCases.compactMap { contract in
      guard let name = rankings[contract]?.order.first,
        let strategy = strategies.first(where: { $0.name == name }), let regions = strategy.regions, !regions.isEmpty
      else { return nil }
      return .picture(
        .bars(
          BarChart(
            title: "What watching each region costs under \(name)", unit: "modelled cycles",
            bars: regions.prefix(30).map { BarChart.Bar(label: $0.name, bracket: $0.overheadCycles) })))
    }
  }

  /// How many notifications take how long, in rows.
  var histograms: [Document.Block] {
    guard let pictures, pictures.showsHistograms else { return [] }
    return pictures.curves.filter { !$0.deliveredRanges.isEmpty }.map { curves in
      .picture(
        .histogram(
          HistogramChart(
            title: "\(curves.strategy), delivered, in modelled cycles:",
            ranges: curves.deliveredRanges.map { ($0.low, $0.high, $0.count) })))
    }
  }
}

extension LatencyPercentiles {
  /// What results keep of a curve.
  fileprivate var points: [LatencyCurves.Point] {
    let shares = ["p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999, "max": 1]
    return Self.named.compactMap { name, path in
      shares[name].map { LatencyCurves.Point(share: $0, cycles: self[keyPath: path]) }
    }
  }
}
