/// Recordings of one workload, among several: they repeat each other, so that figures of them have a spread.
package struct WorkloadGroup: Equatable, Sendable {
  /// The workload, as the headers name it.
  package var workload: String
  /// The recordings, as indices into those that were given.
  package var members: [Int]

  /// Groups recordings by their headers, in the order in which workloads first appear. One that is given twice counts once, and
  /// one that was cut out of another of them does not count beside it.
  package static func groups(of recordings: [ReplayedRecording]) -> [WorkloadGroup] {
    var groups: [WorkloadGroup] = []
    var places: [String: Int] = [:]
    for index in counted(of: recordings) {
      let workload = recordings[index].workload ?? recordings[index].path
      if let place = places[workload] {
        groups[place].members.append(index)
      } else {
        places[workload] = groups.count
        groups.append(WorkloadGroup(workload: workload, members: [index]))
      }
    }
    return groups
  }

  /// The recordings that count, as indices: each digest once, and no cut beside what it was cut out of.
  package static func counted(of recordings: [ReplayedRecording]) -> [Int] {
    let given = Set(recordings.map(\.digest))
    var seen: Set<String> = []
    return recordings.indices.filter { index in
      let recording = recordings[index]
      if let whole = recording.cutOf, given.contains(whole) { return false }
      // A salvaged recording has no digest to know it by.
      return recording.digest.isEmpty || seen.insert(recording.digest).inserted
    }
  }
}
