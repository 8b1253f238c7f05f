import Addresses

/// Makes a synthetic trace, and says in its header that it is one. The same parameters give the same file.
public struct RecordingGenerator: Sendable {
  /// How pages are chosen.
  public var workload: Workload
  /// The seed of all choices.
  public var seed: UInt64
  /// How many stores.
  public var writes: UInt64
  /// How many pages the guest has, 1...2^24.
  public var pages: UInt64
  /// How many vCPUs, 1...256; they take turns of 1000 stores.
  public var vcpus: Int

  /// The most pages.
  public static let maximumPages: UInt64 = 1 << 24

  /// A generator from its parameters.
  public init(workload: Workload, seed: UInt64, writes: UInt64, pages: UInt64, vcpus: Int) {
    self.workload = workload
    self.seed = seed
    self.writes = writes
    self.pages = min(max(pages, 1), Self.maximumPages)
    self.vcpus = min(max(vcpus, 1), RecordingFormat.maximumVCPUs)
  }

  /// What the header says.
  public var description: RecordingDescription {
    var description = RecordingDescription(
      title: "Synthetic: \(workload.rawValue), \(writes) writes on \(pages) pages, \(vcpus) vCPUs, seed \(seed)",
      origin: .synthetic, guest: .init(ramBytes: pages << 12, vcpus: vcpus),
      recorder: .init(
        name: "gi-bench trace generate",
        flags: "--workload \(workload.rawValue) --seed \(seed) --writes \(writes) --pages \(pages) --vcpus \(vcpus)"))
    description.notes = ["Synthetic: no guest ever made these stores."]
    return description
  }

  /// Writes the trace.
  public func write(to path: String, level: Int = 3) throws(RecordingError) -> RecordingWriter.Summary {
    let writer = try RecordingWriter(
      path: path, description: description, options: .init(columns: .steps, level: level))
    var source = WorkloadSource(workload, pages: pages, seed: seed)
    var counts = [UInt64](repeating: 0, count: vcpus)
    for index in 0..<writes {
      let vcpu = Int(index / 1000 % UInt64(vcpus))
      counts[vcpu] += 3
      let store = source.next()
      try writer.write(
        vcpu: vcpu, count: counts[vcpu], gpa: GuestPhysicalAddress(store.gpa), gva: GuestLinearAddress(store.gpa),
        size: store.size)
    }
    return try writer.finish()
  }
}
