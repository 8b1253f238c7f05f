import EPT

/// A sequence of queries that Bochs answered in one guest, without an exit between them.
///
/// The manual leaves open what a processor caches, so several courses are right: none of it cached, all that may be, or anything between.
/// Bochs must have taken one of them from the first answer to the last.
struct Sequence {
  /// The lines since memory was cleared, with the sequence at their end, and how many of them come before it.
  let lines: [Substring]
  let firstLine: Int
  /// What Bochs answered.
  let theirs: [Answer]
  /// EPT keeps accessed and dirty flags.
  let keepsFlags: Bool

  /// A course that caching may take.
  enum Course: Hashable {
    /// No course has another answer: nothing stale was met.
    case only
    /// Nothing was taken from a cache.
    case fresh
    /// Everything that may be cached was, and was used.
    case maximal
    /// Something between: the course of these random numbers.
    case mixed(seed: Int)
    /// None that was tried.
    case none
  }

  /// How many courses between are tried.
  static let seeds = 1...400

  /// What can be seen of a course: the answers, memory at its end, the log's index.
  struct Seen: Equatable {
    let heads: [String]
    let memory: [UInt64: UInt64]
    let log: String
  }

  /// What Bochs showed.
  var shown: Seen { seen(theirs) }

  /// How many of Bochs' answers have the deviation `walk-without-read`.
  var walksWithoutRead: Int { keepsFlags ? theirs.count { ($0.field("qual") ?? 0) & 0x103 == 2 } : 0 }

  /// What gi-bench shows under a caching policy, in the words of `policy`.
  func course(_ policy: String) -> Seen {
    var script = WalkScript()
    // The image's guests have CR4.PGE; the protocol's have it off until a script says otherwise.
    script.machine.guest.globalPages = true
    var answer = ScriptAnswer()
    var answers: [Answer] = []
    for (number, line) in lines.enumerated() {
      let text =
        number >= firstLine
        ? line.split(separator: " ").map { $0 == "cache=maximal" ? policy : String($0) } : [String(line)]
      answer.bytes.removeAll(keepingCapacity: true)
      Array((text.joined(separator: " ") + "\n").utf8).withUnsafeBytes { script.feed($0, &answer) }
      if number >= firstLine, !answer.bytes.isEmpty {
        answers.append(Answer(String(decoding: answer.bytes.dropLast(), as: UTF8.self)[...]))
      }
    }
    return seen(answers)
  }

  /// The course that Bochs took.
  func taken() -> Course {
    let (shown, fresh, maximal) = (shown, course("cache=none"), course("cache=maximal"))
    if shown == fresh { return fresh == maximal ? .only : .fresh }
    if shown == maximal { return .maximal }
    for seed in Self.seeds where shown == course("cache=random seed=\(seed)") { return .mixed(seed: seed) }
    return .none
  }

  /// Memory in the end: the script's stores and the processor's, in their order. Bochs tells its own at the end or at an exit, so far as
  /// they still stand then; the same words result.
  private func seen(_ answers: [Answer]) -> Seen {
    var memory: [UInt64: UInt64] = [:]
    var next = 0
    for (number, line) in lines.enumerated() {
      let words = line.split(separator: " ")
      if words.first == "w64", words.count == 3, let address = UInt64(words[1], radix: 16),
        let value = UInt64(words[2], radix: 16)
      {
        memory[address] = value
      } else if number >= firstLine, let command = words.first, Comparison.answered.contains(String(command)),
        next < answers.count
      {
        for write in answers[next].writes { memory[write.address] = write.value }
        next += 1
      }
    }
    return Seen(heads: answers.map(head), memory: memory, log: answers.last?.log ?? "")
  }

  /// The head of an answer, without the bit that Bochs leaves out; see `Deviation.walkWithoutRead`.
  private func head(_ answer: Answer) -> String {
    guard keepsFlags, let reported = answer.field("qual"), reported & 0x103 == 3 else { return answer.head }
    return answer.head.replacing("qual=\(hex(reported))", with: "qual=\(hex(reported & ~1))")
  }
}
