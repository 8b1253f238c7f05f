import GuestIntegrity
import MonitorTree
import SeededRandom
import Recordings

/// What is protected in a replay, and who asks for it.
struct Protection {
  /// Where hypercalls come from.
  let source: HypercallSource
  /// The exact bytes of each region, by id.
  let listed: [UInt64: [Range<UInt64>]]
  /// Regions whose pages a strategy that promotes pages is to promote from the start.
  var critical: Set<RegionID> = []
  /// Every region by name, with its bytes.
  let regions: [(name: String, bytes: [Range<UInt64>])]
  /// The names of regions by the number that the hypervisor knows them by.
  let names: [UInt64: String]
  /// Which frame is which page, where the recording numbers frames.
  let truePages: TruePages?
  /// How results describe it.
  let description: PolicyDescription
  /// The recording, and the policy file, as errors name them.
  fileprivate let path: String
  fileprivate let origin: String

  /// The error of a hypercall that a policy needs and the hypervisor refuses.
  func refusal(of purpose: String, _ error: HypercallError) -> ReplayError {
    ReplayError("\(origin): \(purpose): the hypervisor refuses, \(error); leave it out or give another range")
  }

  /// The error of a policy that nobody ever asked for.
  var neverAsked: ReplayError {
    ReplayError(
      "\(path): the recorded driver opens no window"
        + (description.arm.map { " after mark '\($0)'" } ?? "")
        + ", so nothing was ever protected; arm at an earlier mark")
  }
}

extension Protection {
  /// What is protected by a policy, or else by the recorded driver, from the named mark on, or else from the start; of a
  /// recording at this path, whose stores reach so many bytes of guest memory.
  init(
    by policy: Policy?, armedBy arm: String?, in reader: RecordingReader, path: String, ramBytes: UInt64,
    truePages: TruePages?
  ) throws {
    let recording = reader.header.recording
    let recordedRegions = ProtectedBytes.listed(in: recording.regions)
    let named = recording.regions.map { region in
      let (end, isBeyond) = region.gpa.addingReportingOverflow(max(region.bytes, 1))
      return (name: region.name, bytes: [region.gpa..<(isBeyond ? .max : end)])
    }
    let recordedNames = Self.names(of: recording.regions.map { ($0.id, $0.name) })
    guard policy != nil || arm != nil else {
      self.init(
        source: HypercallSource(), listed: recordedRegions, regions: named, names: recordedNames, truePages: truePages,
        description: PolicyDescription(name: "recorded-driver"),
        path: path, origin: path)
      return
    }
    let survey = try RecordingSurvey(reader)
    let mark = try arm.map { try survey.mark($0, in: recording, path: path) }
    guard policy != nil || survey.registration != nil else {
      throw ReplayError("\(path): the recording has no driver to arm at a mark; say with --policy what to protect")
    }
    // The guest's memory, as far as it is known: what is recorded, or else what the stores reach.
    let guestBytes = recording.guest.ramBytes ?? ramBytes
    let stated = try policy?.resolved(
      for: recording, guestBytes: truePages == nil ? guestBytes : .max, topLevelTables: survey.topLevelTables)
    let resolved = truePages.map { pages in stated?.placed(on: pages) } ?? stated
    let source = HypercallSource(
      mark: mark, protection: resolved, registration: survey.registration, guestBytes: ramBytes)
    self.init(
      source: source, listed: resolved?.listed ?? recordedRegions,
      regions: resolved?.regions.map { (name: $0.name, bytes: $0.bytes) } ?? named,
      names: resolved.map { Self.names(of: $0.regions.map { ($0.id, $0.name) }) } ?? recordedNames,
      truePages: truePages,
      description: PolicyDescription(
        name: policy?.name ?? "recorded-driver",
        arm: mark.map { id in recording.marks.first { $0.id == id }?.name ?? "\(id)" },
        driver: policy == nil ? nil : source.hasSyntheticDriver ? .synthetic : .recorded,
        regions: stated?.regions.map { $0.description }),
      path: path, origin: policy?.origin ?? path)
    critical = Set((resolved?.regions ?? []).filter(\.isCritical).map { RegionID(RegionID.RawValue($0.id)) })
  }
}

extension Protection {
  /// Each number's name, or the names that share it.
  private static func names(of regions: [(id: UInt64, name: String)]) -> [UInt64: String] {
    var distinct: [UInt64: [String]] = [:]
    for region in regions where distinct[region.id]?.contains(region.name) != true {
      distinct[region.id, default: []].append(region.name)
    }
    return distinct.mapValues { names in
      names.prefix(3).joined(separator: " + ") + (names.count > 3 ? " and \(names.count - 3) more" : "")
    }
  }

  /// The region's name, or its number where it has none.
  func name(of region: UInt64) -> String { names[region] ?? "region \(region)" }
}

extension ResolvedPolicy.Region {
  var description: PolicyDescription.Region {
    var digest: UInt64 = 0
    for range in bytes {
      for bound in [range.lowerBound, range.upperBound] {
        var spread = SplitMix64(seed: digest ^ bound)
        digest = spread.next()
      }
    }
    return PolicyDescription.Region(
      name: name, gpa: bytes.first?.lowerBound ?? 0, bytes: bytes.reduce(0) { $0 + UInt64($1.count) },
      ranges: bytes.count, pages: pages.reduce(0) { $0 + $1.count },
      actions: AlertActions.named.filter { actions.contains($0.action) }.map(\.name),
      digest: String(digest, radix: 16))
  }
}
