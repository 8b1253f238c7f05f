import Replay

extension RunResult {
  /// The result as exports hold it: totals in whole cycles, percentiles in tenths of a cycle, host figures to what a clock
  /// can tell. Rounding an already rounded result changes nothing.
  package func roundedForExport() -> RunResult {
    var result = self
    for i in result.strategies.indices { result.strategies[i].round() }
    result.sensitivity = result.sensitivity?.map { $0.rounded() }
    result.structures = result.structures?.map { $0.rounded() }
    result.budget?.round()
    result.pairs = result.pairs?.map { pair in
      var pair = pair
      pair.share = rounded(pair.share, parts: 10_000)
      return pair
    }
    result.geometrySensitivity = result.geometrySensitivity?.map { $0.rounded() }
    return result
  }
}

extension StrategyResult {
  fileprivate mutating func round() {
    overheadCycles.round()
    setupCycles?.round()
    armed?.round()
    for i in (regions ?? []).indices { regions?[i].overheadCycles.round() }
    overheadParts?.roundShares()
    guestStallCycles.round()
    for path in [\Notifications.raisedCycles, \.deliveredCycles, \.stallCycles] {
      guard var percentiles = notifications[keyPath: path] else { continue }
      for (_, percentile) in LatencyPercentiles.named { percentiles[keyPath: percentile].round() }
      notifications[keyPath: path] = percentiles
    }
    notifications.coldCycles?.round()
    notifications.leavingGuestCycles?.round()
    notifications.consumer?.parkedCycles.round()
    notifications.stages = notifications.stages.mapValues { stage in
      var stage = stage
      stage.round()
      return stage
    }
    host?.round()
  }
}

extension OrderSensitivity {
  fileprivate func rounded() -> Self {
    var copy = self
    copy.margin.round()
    for i in copy.flips.indices { copy.flips[i].at = Report.rounded(flips[i].at, parts: 10) }
    return copy
  }
}

extension OverheadVariant {
  fileprivate func rounded() -> Self {
    var copy = self
    copy.overheadCycles = overheadCycles.mapValues { overhead in
      var overhead = overhead
      overhead.round()
      return overhead
    }
    return copy
  }
}

extension Bracket {
  fileprivate mutating func round() {
    for path in [\Bracket.low, \.value, \.high] { self[keyPath: path] = rounded(self[keyPath: path], parts: 1) }
  }
}

extension Percentiles {
  fileprivate mutating func round() {
    for (_, path) in Percentiles.named { self[keyPath: path] = rounded(self[keyPath: path], parts: 10) }
  }
}

extension HostFigures {
  fileprivate mutating func round() {
    seconds = rounded(seconds, parts: 1_000_000)
    sharedSeconds = sharedSeconds.map { rounded($0, parts: 1_000_000) }
    writesPerSecond = rounded(writesPerSecond, parts: 1)
    timerNanoseconds = timerNanoseconds.map { rounded($0, parts: 10) }
    if var inPlace = inPlaceNanoseconds {
      inPlace.raised.round()
      inPlace.delivered?.round()
      inPlace.timer = rounded(inPlace.timer, parts: 10)
      inPlace.control = inPlace.control.map { rounded($0, parts: 10_000) }
      inPlaceNanoseconds = inPlace
    }
    for path in [\HostFigures.lookupNanoseconds, \.alertNanoseconds] {
      guard var times = self[keyPath: path] else { continue }
      times.p50 = rounded(times.p50, parts: 10)
      times.p99 = rounded(times.p99, parts: 10)
      times.control = times.control.map { rounded($0, parts: 10_000) }
      self[keyPath: path] = times
    }
  }
}

/// The nearest multiple of one over `parts`; never a negative zero.
func rounded(_ x: Double, parts: Double) -> Double { (x * parts).rounded() / parts + 0 }
