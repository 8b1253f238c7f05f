import EPT

/// Holds the answers of gi-bench and of Bochs to one script against each other.
struct Comparison {
  /// How many queries were held against each other, by command.
  private(set) var queries: [String: Int] = [:]
  /// How often each kind of answer was given by both.
  private(set) var answers: [String: Int] = [:]
  /// How many queries differ for known reasons alone, and how often each reason had a part in it.
  private(set) var maskedCount = 0
  private(set) var masked: [Deviation: Int] = [:]
  /// Queries that were not held against each other, as an explained difference before them had left memory different.
  private(set) var skipped = 0
  /// Differences that nothing explains, in words.
  private(set) var others: [String] = []

  /// Commands that are answered.
  static let answered: Set<String> = ["gpa", "la", "vmfunc", "eptpok", "r64", "invept", "invvpid"]

  /// Sequences, by the course that Bochs' caches took.
  private(set) var courses: [Sequence.Course: Int] = [:]

  private var scenario: Substring = ""
  private var lines: [Substring] = []
  /// Where in them memory was last cleared, and where the sequence under way begins.
  private var clearedAt = 0
  private var sequenceStart: Int?
  private var sequenceAnswers: [Answer] = []
  private var ourMemory: [UInt64: UInt64] = [:]
  private var theirMemory: [UInt64: UInt64] = [:]
  private var lastEntry: UInt64 = 0
  private var pointer: UInt64 = 0
  private var isDivided = false
  private var isDelivering = false

  var queryCount: Int { queries.values.reduce(0, +) }

  /// Goes through a script and both lists of answers.
  mutating func compare(script: String, ours: [Substring], theirs: [Substring]) throws(ComparisonError) {
    var (index, ourIndex) = (0, 0)
    for line in script.split(separator: "\n") {
      if line.hasPrefix("# scenario ") {
        scenario = line.dropFirst("# scenario ".count)
        lines = []
        clearedAt = 0
        continue
      }
      lines.append(line)
      let words = line.split(separator: " ")
      guard let command = words.first.map(String.init) else { continue }
      note(command, words)
      guard Self.answered.contains(command) else { continue }
      let halves = Halves.isCrossing(line) ? 2 : 1
      guard ourIndex + halves <= ours.count, index < theirs.count else {
        throw ComparisonError(query: line, ours: ours.count, theirs: theirs.count)
      }
      var our = Answer(ours[ourIndex])
      if halves == 2 { our = Halves.joined(our, Answer(ours[ourIndex + 1])) }
      // The guest cannot tell which page its processor took a gate or PDPTEs from.
      if isDelivering || line.contains(" lv=0"), our.kind == "OK" {
        our = Answer(head: "OK hpa=unseen", writes: our.writes, log: our.log)
      }
      hold(command, String(line), our, Answer(theirs[index]))
      index += 1
      ourIndex += halves
    }
    guard ourIndex == ours.count, index == theirs.count else {
      throw ComparisonError(query: "the end", ours: ours.count, theirs: theirs.count)
    }
  }

  private mutating func note(_ command: String, _ words: [Substring]) {
    switch command {
    case "zero":
      clearedAt = lines.count - 1
      ourMemory = [:]
      theirMemory = [:]
      isDivided = false
    case "w64":
      guard words.count == 3, let address = UInt64(words[1], radix: 16), let value = UInt64(words[2], radix: 16) else {
        return
      }
      ourMemory[address] = value
      theirMemory[address] = value
      if value & 0x80 != 0 { lastEntry = value }
    case "reg": isDelivering = words.contains("inevent=1")
    case "policy":
      if let start = sequenceStart { holdSequence(from: start) }
      sequenceStart = words.contains("cache=maximal") ? lines.count - 1 : nil
    case "eptp": pointer = UInt64(words[1], radix: 16) ?? 0
    default: break
    }
  }

  private mutating func hold(_ command: String, _ query: String, _ ours: Answer, _ theirs: Answer) {
    if sequenceStart != nil {
      queries[command + " in sequences", default: 0] += 1
      sequenceAnswers.append(theirs)
      return
    }
    guard !isDivided else {
      skipped += 1
      return
    }
    queries[command, default: 0] += 1
    if let switched = ours.field("eptp") { pointer = switched }
    let before = theirMemory
    let ourChanges = ours.changes(of: ourMemory)
    let theirChanges = theirs.changes(of: theirMemory)
    ourMemory.merge(ourChanges) { $1 }
    theirMemory.merge(theirChanges) { $1 }
    // What matters is what stands there now: a masked difference may have left log or information area different before.
    let changed = Set(ourChanges.keys).union(theirChanges.keys)
    let words = changed.map { ChangedWord($0, ours: ourMemory[$0, default: 0], theirs: theirMemory[$0, default: 0]) }
    if ours.head == theirs.head && words.allSatisfy(\.isSame) && ours.log == theirs.log {
      answers[String(ours.kind), default: 0] += 1
      return
    }
    let disagreement = Disagreement(
      query: query, ours: ours, ourChanges: ourChanges, theirs: theirs, theirChanges: theirChanges, words: words,
      memory: before, lastEntry: lastEntry, pointer: pointer)
    isDivided = disagreement.divides
    if let deviations = disagreement.deviations {
      maskedCount += 1
      for deviation in deviations { masked[deviation, default: 0] += 1 }
    } else {
      others.append(describe(disagreement))
    }
  }

  private mutating func holdSequence(from start: Int) {
    let sequence = Sequence(
      lines: Array(lines[clearedAt..<(lines.count - 1)]), firstLine: start - clearedAt, theirs: sequenceAnswers,
      keepsFlags: pointer & 0x40 != 0)
    sequenceAnswers = []
    let reported = sequence.walksWithoutRead
    maskedCount += reported
    masked[.walkWithoutRead, default: 0] += reported
    let course = sequence.taken()
    courses[course, default: 0] += 1
    if course == .none { others.append(describe(sequence)) }
  }

  /// The script of a sequence, and its answers: Bochs', without caches, with all that may be cached.
  private func describe(_ sequence: Sequence) -> String {
    func text(_ seen: Sequence.Seen) -> String {
      let flags = sequence.shown.memory.filter { seen.memory[$0.key] != $0.value }
      let words = flags.sorted { $0.key < $1.key }.map { " \(hex($0.key))=\(hex(seen.memory[$0.key] ?? 0))" }.joined()
      return (seen.heads + ["memory unlike Bochs':\(words)"]).joined(separator: "\n    ")
    }
    return """
      scenario \(scenario), a sequence that no course of caches explains:
      \(sequence.lines.map { "  " + $0 }.joined(separator: "\n"))
      gi-bench without caches:
          \(text(sequence.course(allCached: false)))
      gi-bench with all that may be cached:
          \(text(sequence.course(allCached: true)))
      Bochs:
          \(text(sequence.shown))
      again: make judge ONLY=\(scenario)
      """
  }

  /// The script up to the query, both answers, and what differs in words.
  private func describe(_ disagreement: Disagreement) -> String {
    let (ours, theirs) = (disagreement.ours, disagreement.theirs)
    func text(_ answer: Answer, _ changes: [UInt64: UInt64]) -> String {
      let words = changes.sorted { $0.key < $1.key }.map { " \(hex($0.key))=\(hex($0.value))" }.joined()
      return "\(answer.head) |W\(words) |pml=\(answer.log)"
    }
    var report = """
      scenario \(scenario), which begins:
      \(lines.map { "  " + $0 }.joined(separator: "\n"))
      gi-bench: \(text(ours, disagreement.ourChanges))
      Bochs:    \(text(theirs, disagreement.theirChanges))
      """
    if let a = ours.field("qual"), let b = theirs.field("qual"), a != b {
      for difference in ExitQualification(a).differences(from: ExitQualification(b)) {
        report += "\n  qualification \(difference)"
      }
    }
    return report + "\nagain: make judge ONLY=\(scenario)"
  }
}

/// The lists of answers do not fit the script.
struct ComparisonError: Error, CustomStringConvertible {
  let query: Substring
  let ours: Int
  let theirs: Int

  var description: String {
    "the answers end at '\(query)': gi-bench gave \(ours), Bochs \(theirs); each query must have one answer"
  }
}
