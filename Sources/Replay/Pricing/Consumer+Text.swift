/// Why the words for a consumer, a pace or a rate were refused: one sentence.
package struct LatencyTextError: Error, CustomStringConvertible, Equatable {
  /// The sentence.
  package let description: String
}

extension Consumer {
  /// Looks at the ring all the time: who takes alerts where nobody is named.
  package static let poll = Consumer(
    name: "poll", slots: 1024, service: .constant(Bracket(low: 150, value: 150, high: 150)), whenFull: .lose)

  /// A consumer from words such as `vmi`, `wake,ring=64,full=park` or `service=500,ring=16`: a name or a time in nanoseconds
  /// first, or else as `named` says of the first name there is.
  package init(_ text: String, among named: [Consumer]) throws(LatencyTextError) {
    let names = named.map(\.name)
    func fail(_ finding: String) -> LatencyTextError {
      LatencyTextError(
        description:
          "--consumer \(text): \(finding); write \(names.joined(separator: ", ")) or service=NS, and behind it "
          + "ring=N and full=lose or full=park where they shall differ, as in vmi,ring=64,full=park")
    }
    var consumer = named.first ?? .poll
    var given: Set<String> = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
      guard let equals = part.firstIndex(of: "=") else {
        guard given.isEmpty else { throw fail("'\(part)' has no value") }
        guard let known = named.first(where: { $0.name == part }) else {
          throw fail("no consumer is named '\(part)'")
        }
        consumer = known
        given = ["service"]
        continue
      }
      let (key, value) = (String(part[..<equals]), String(part[part.index(after: equals)...]))
      guard given.insert(key).inserted else { throw fail("\(key) is given twice") }
      switch key {
      case "service":
        guard let time = Double(value), (0...1e12).contains(time) else {
          throw fail("a service time of '\(value)' is none, expected 0 to 1e12 nanoseconds")
        }
        consumer.name = "custom"
        consumer.service = .constant(Bracket(low: time, value: time, high: time))
      case "ring":
        guard let slots = Int(value), (1...Self.slotLimit).contains(slots) else {
          throw fail("a ring of '\(value)' slots is none, expected 1 to \(Self.slotLimit)")
        }
        consumer.slots = slots
      case "full":
        guard let policy = WhenFull(rawValue: value) else { throw fail("'\(value)' says nothing about a full ring") }
        consumer.whenFull = policy
      default: throw fail("'\(key)' is nothing that a consumer has")
      }
    }
    self = consumer
  }
}

extension CycleProfile {
  /// Who may take alerts under this hypervisor, by name; each with a ring of 1024 slots, and what finds none is lost.
  ///
  /// One that sleeps takes as long as the fastest of all for an alert that finds it awake (assumed).
  package var consumers: [Consumer] {
    let medians = hypervisor.consumers.map(\.p50Nanoseconds)
    let awake = medians.min().map { Bracket(low: $0, value: $0, high: $0) }
    let named = hypervisor.consumers.map { stated in
      let p50 = stated.p50Nanoseconds
      let service: Consumer.Service =
        if p50 < stated.p99Nanoseconds, let awake {
          .waking(p50: p50, p99: stated.p99Nanoseconds, awake: awake)
        } else {
          .constant(Bracket(low: p50, value: p50, high: p50))
        }
      return Consumer(name: stated.name, slots: 1024, service: service, whenFull: .lose)
    }
    return named.isEmpty ? [.poll] : named
  }
}
