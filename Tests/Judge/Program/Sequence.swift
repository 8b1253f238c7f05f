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
    /// Something between: some queries took what was cached for them, others walked.
    case mixed
    /// None of these.
    case none
  }

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

  /// What gi-bench shows if each query takes all that is cached for it, or none of it and walks from the root.
  func course(_ takesCached: [Bool]) -> Seen {
    var script = WalkScript()
    // The image's guests have CR4.PGE; the protocol's have it off until a script says otherwise.
    script.machine.guest.globalPages = true
    var answer = ScriptAnswer()
    var answers: [Answer] = []
    for (number, line) in lines.enumerated() {
      answer.bytes.removeAll(keepingCapacity: true)
      if answers.count < takesCached.count { script.machine.caches.misses = takesCached[answers.count] ? .none : .all }
      Array((line + "\n").utf8).withUnsafeBytes { script.feed($0, &answer) }
      if number >= firstLine, !answer.bytes.isEmpty {
        answers.append(Answer(String(decoding: answer.bytes.dropLast(), as: UTF8.self)[...]))
      }
    }
    return seen(answers)
  }

  /// What gi-bench shows if all queries take what is cached, or none does.
  func course(allCached: Bool) -> Seen { course(Array(repeating: allCached, count: theirs.count)) }

  /// The course that Bochs took.
  func taken() -> Course {
    let (shown, fresh, maximal) = (shown, course(allCached: false), course(allCached: true))
    if shown == fresh { return fresh == maximal ? .only : .fresh }
    if shown == maximal { return .maximal }
    return isMixed(shown, unlike: fresh) ? .mixed : .none
  }

  /// Whether some mixed course shows the same. Courses are tried in binary order, from the one behind `fresh`, which shows something else;
  /// those that begin like one with a wrong answer, up to that answer, are passed over.
  private func isMixed(_ shown: Seen, unlike fresh: Seen) -> Bool {
    var takesCached = Array(repeating: false, count: theirs.count)
    var seen = fresh
    while seen != shown {
      let right = zip(seen.heads, shown.heads).prefix { $0 == $1 }.count
      guard let last = takesCached.prefix(right + 1).lastIndex(of: false) else { return false }
      takesCached[last] = true
      for later in takesCached.indices.dropFirst(last + 1) { takesCached[later] = false }
      seen = course(takesCached)
    }
    return true
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
