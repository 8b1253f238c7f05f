import Addresses

extension RecordingDescription {
  /// What follows from the origin of a recording for whoever reads figures of it: one sentence each, none for a recording of
  /// every store by guest-physical address and instruction. Every report repeats them.
  public var cautions: [String] {
    var cautions: [String] = []
    if addresses == .virtual, log?.truePages != .guestPhysical {
      cautions.append("virtual addresses: pages are not frames")
    }
    guard let log else { return cautions }
    switch log.coverage {
    case .faults: cautions.append("a lower bound: only stores that faulted are in the log")
    case .writeBacks: cautions.append("write-backs to memory, not stores: caches before it absorb most")
    case .everyStore, nil: break
    }
    if let lost = log.lostEvents, lost > 0 {
      cautions.append("a lower bound: \(counted(lost, "event was", "events were")) lost")
    }
    if let places = log.unknownLosses, places > 0 {
      cautions.append(
        "a lower bound: the log lost events in \(counted(places, "place", "places")), nobody knows how many")
    }
    switch log.time {
    case .nanoseconds: cautions.append("nanoseconds, not instructions")
    case .cycles: cautions.append("cycles, not instructions")
    case .records: cautions.append("records of the log, not instructions: it tells no time")
    case .instructions, nil: break
    }
    if log.hasSizes == false { cautions.append("no sizes: each store counts as one byte") }
    if log.mixesProcesses == true {
      cautions.append("several processes that are not told apart: one address may be several pages")
    }
    if let others = log.otherTasksStores, others > 0 {
      cautions.append("\(counted(others, "store", "stores")) of tasks that were not chosen left out")
    }
    if let devices = log.deviceStores, devices > 0 {
      cautions.append("\(counted(devices, "store", "stores")) to devices and interrupt controllers left out")
    }
    if let repeated = log.repeatedFaults, repeated > 0 {
      cautions.append(
        "\(counted(repeated, "fault repeats", "faults repeat")) the one before (same instruction and address): one "
          + "store or several, the log cannot tell")
    }
    if let skipped = log.skippedLines, skipped > 0 {
      cautions.append("\(counted(skipped, "line was", "lines were")) not understood and left out")
    }
    return cautions
  }
}
