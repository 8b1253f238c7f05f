import Addresses

@testable import EPT

/// Two processors with memories of their own, in step: one keeps all that the architecture lets it keep, or drops some of it at random, the
/// other keeps nothing. Whatever is changed is changed in both.
struct Twins {
  var caching: EPTMachine<SparseMemory>
  var plain: EPTMachine<SparseMemory>
  /// Which entries the last access used without caches.
  private(set) var used: [UInt64] = []

  init(cache: Policies.Cache, _ controls: Controls) {
    caching = EPTMachine(memory: SparseMemory(), controls: controls)
    plain = EPTMachine(memory: SparseMemory(), controls: controls)
    caching.policies.cache = cache
  }

  /// A word of memory as the processor without caches has it.
  func load(_ address: UInt64) -> UInt64 { plain.memory.load(HostPhysicalAddress(address)) }

  /// Stores a word in both memories.
  func store(_ value: UInt64, _ address: UInt64) {
    caching.memory.store(value, at: HostPhysicalAddress(address))
    plain.memory.store(value, at: HostPhysicalAddress(address))
  }

  /// Has both do something.
  mutating func both(_ body: (inout EPTMachine<SparseMemory>) -> Void) {
    body(&caching)
    body(&plain)
  }

  /// A refusal that drops what the processor knew of the rights it lacked.
  enum Refusal { case violation, pageFault, subPages }

  /// What can be seen of an access: the outcome in the protocol's words, and each store.
  struct Seen: Equatable, CustomStringConvertible {
    var head: String
    var stores: [String]
    /// How the processor refused the access for want of rights.
    var refusal: Refusal?

    init(_ outcome: TranslationOutcome, _ log: ReferenceLog) {
      var answer = ScriptAnswer()
      answer.outcome(outcome)
      head = String(decoding: answer.bytes, as: UTF8.self)
      // Whether bit 1 or a sub-page permission allowed a write is not seen by anybody.
      if head.hasSuffix(" spp") { head.removeLast(4) }
      // The information area of #VE tells of refusals that only one of the twins may have met.
      stores = log.writes.filter { $0.kind != .exceptionInformation }
        .map { "\(hex($0.address.rawValue))=\(hex($0.value))" }
      switch outcome {
      case .violation, .virtualizationException: refusal = .violation
      case .pageFault: refusal = .pageFault
      case .sppEvent: refusal = .subPages
      default: refusal = nil
      }
    }

    var description: String { ([head, "|W"] + stores).joined(separator: " ") }
  }

  static func perform(
    _ target: StaleTranslation.Target, on machine: inout EPTMachine<SparseMemory>, _ log: inout ReferenceLog
  ) -> Seen {
    let outcome =
      switch target {
      case .physical(let access): machine.access(access, &log)
      case .linear(let linear, let kind, let user, _): machine.access(linear: linear, kind, user: user, &log)
      }
    return Seen(outcome, log)
  }

  /// Makes an access on both. If it may try again, the one with caches may be refused once for each reason; in the end both must have seen the
  /// same and stored the same. Else the complaint.
  mutating func access(_ target: StaleTranslation.Target, retrying: Bool) -> (complaint: String?, retries: Int) {
    let area = plain.fields.exceptionInformation.rawValue
    store(0, area)
    var references = ReferenceLog()
    let expected = Self.perform(target, on: &plain, &references)
    used = references.references.map(\.address.rawValue)
    var stores: [String] = []
    var answers: [String] = []
    var refusals: Set<Refusal> = []
    while true {
      store(0, area)
      var log = ReferenceLog()
      let seen = Self.perform(target, on: &caching, &log)
      answers.append(seen.description)
      stores += seen.stores
      if seen.head == expected.head && stores == expected.stores && caching.fields == plain.fields {
        return (nil, answers.count - 1)
      }
      guard retrying, let refusal = seen.refusal, refusals.insert(refusal).inserted else { break }
    }
    return ("\(target): \(answers.joined(separator: ", then ")); without caches \(expected)", 0)
  }
}
