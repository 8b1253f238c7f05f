import Addresses
import GuestIntegrity
import Recordings

/// Collects what pictures show while a recording is replayed, in constant memory.
final class PictureCollector {
  private var pictures: RunPictures
  private let marks: [UInt64: String]
  private var vcpus: [[UInt64]]
  private var targets: [String: [UInt64]] = [:]

  private static let columns = 120
  private static let fields = 60
  private static let (vcpuLimit, targetLimit, targetsShown, markLimit, firstLimit) = (8, 4096, 16, 64, 100)
  private static let others = "others"

  /// Nothing yet of a recording, under the strategy that stands for all.
  init(of strategy: String, _ header: RecordingHeader) {
    pictures = RunPictures(strategy: strategy, stores: header.totals.writes)
    marks = Dictionary(header.recording.marks.map { ($0.id, $0.name) }) { first, _ in first }
    pictures.windows = Array(repeating: 0, count: Self.columns)
    vcpus = Array(
      repeating: Array(repeating: 0, count: Self.columns), count: min(header.totals.vcpus, Self.vcpuLimit + 1))
  }

  /// An event of the recording, behind so many stores.
  func note(_ event: RecordedEvent, behind stores: UInt64) {
    switch event {
    case .mark(let mark):
      guard pictures.marks.count < Self.markLimit else {
        pictures.marksLeftOut += 1
        return
      }
      pictures.marks.append(.init(store: stores, name: marks[mark.id] ?? "mark \(mark.id)"))
    case .hypercall(let call) where call.number == HypercallNumber.enter.rawValue:
      pictures.windows[place(of: stores, among: Self.columns)] += 1
    case .hypercall, .cr3, .map, .halt, .control: break
    }
  }

  /// A notification of any strategy.
  func note(_ notification: ListedNotification) {
    guard notification.strategy == pictures.strategy else { return }
    pictures.count += 1
    if notification.number <= Self.firstLimit { pictures.first.append(notification) }
    vcpus[min(notification.vcpu, vcpus.count - 1)][place(of: notification.store, among: Self.columns)] += 1
    var target = notification.symbol ?? notification.region.map { "\($0), no symbol" } ?? notification.kind
    if targets[target] == nil, targets.count >= Self.targetLimit { target = Self.others }
    targets[target, default: Array(repeating: 0, count: Self.fields)][
      place(of: notification.store, among: Self.fields)] += 1
  }

  private func place(of store: UInt64, among cells: Int) -> Int {
    min(cells - 1, Int(Double(store) / Double(max(pictures.stores, 1)) * Double(cells)))
  }

  /// All of it, with what other rooms know.
  func finish(curves: [LatencyCurves], stages: [RunPictures.Stages]) -> RunPictures {
    var result = pictures
    result.curves = curves
    result.stages = stages
    result.first.sort { $0.number < $1.number }
    result.byVCPU = vcpus.enumerated().map { index, cells in
      RunPictures.Strip(label: index == Self.vcpuLimit ? "other vCPUs" : "vCPU \(index)", cells: cells)
    }
    func total(_ cells: [UInt64]) -> UInt64 { cells.reduce(0, +) }
    let sorted = targets.filter { $0.key != Self.others }
      .sorted { (total($1.value), $0.key) < (total($0.value), $1.key) }
    result.byTarget = sorted.prefix(Self.targetsShown).map { RunPictures.Strip(label: $0.key, cells: $0.value) }
    let rest = sorted.dropFirst(Self.targetsShown).map(\.value) + [targets[Self.others]].compactMap(\.self)
    guard !rest.isEmpty else { return result }
    let sum = rest.reduce(Array(repeating: 0, count: Self.fields)) { sum, cells in zip(sum, cells).map(+) }
    result.byTarget.append(RunPictures.Strip(label: "\(max(rest.count, 1)) more", cells: sum))
    return result
  }
}
