/// The threads that appear in a log of virtual machines, and the vCPU that each is.
struct LogTasks {
  /// How a log names a thread.
  struct Name {
    var task: UInt64
    /// Its process: one virtual machine, as far as the log tells.
    var process: UInt64?
    var name: UnsafeRawBufferPointer
  }

  /// The most tasks that are told apart; each is a line of the header.
  private static let limit = 1024

  private var tasks: [RecordedLog.Task] = []
  private var numbers: [UInt64: Int] = [:]
  /// Of each vCPU the task that is it.
  private var owners = [Int?](repeating: nil, count: RecordingFormat.maximumVCPUs)
  private let chosen: Set<UInt64>
  /// The task last asked for.
  private var last = 0
  /// Stores of each task.
  private var stores: [UInt64] = []
  /// The number of the task that owns each vCPU, `UInt64.max` for none; a second look at `owners`, without the names.
  private var ownerNumbers = [UInt64](repeating: .max, count: RecordingFormat.maximumVCPUs)
  /// Tasks that were not chosen, a few of them, for the message where nothing was.
  private var others: [RecordedLog.Task] = []

  init(chosen: Set<UInt64>) { self.chosen = chosen }

  /// Whether the task, or its process, is one of those wanted.
  mutating func isChosen(_ name: Name) -> Bool {
    if chosen.isEmpty || chosen.contains(name.task) { return true }
    if let process = name.process, chosen.contains(process) { return true }
    if others.count < 8, !others.contains(where: { $0.task == name.task }) { others.append(Self.task(name)) }
    return false
  }

  /// The vCPU of a chosen task: the one that the log says, or else a free one. Throws where it shows that the log is of two
  /// machines.
  mutating func vcpu(of name: Name, named vcpu: Int?) throws(WriterFlaw) -> Int {
    if let vcpu, ownerNumbers[vcpu] == name.task, let owner = owners[vcpu] {
      last = owner
      return vcpu
    }
    let index = try index(of: name)
    last = index
    if let vcpu { try own(vcpu, index) }
    if let known = tasks[index].vcpu { return known }
    guard let free = owners.firstIndex(of: nil) else {
      throw .line("one more task", "at most \(RecordingFormat.maximumVCPUs)")
    }
    try own(free, index)
    return free
  }

  /// The task last asked for made a store.
  mutating func stored() {
    if last < stores.count { stores[last] &+= 1 }
  }

  private mutating func index(of name: Name) throws(WriterFlaw) -> Int {
    if let known = numbers[name.task] { return known }
    guard tasks.count < Self.limit else { throw .line("one more task", "at most \(Self.limit); choose with --task") }
    let new = Self.task(name)
    if chosen.isEmpty, let process = new.process,
      let other = tasks.first(where: { $0.process != nil && $0.process != process })
    {
      throw twoMachines(other, new, "tasks of two processes")
    }
    numbers[name.task] = tasks.count
    tasks.append(new)
    stores.append(0)
    return tasks.count - 1
  }

  private mutating func own(_ vcpu: Int, _ index: Int) throws(WriterFlaw) {
    if let owner = owners[vcpu], owner != index {
      // Whoever names both knows that they are one machine's, such as a vCPU that was unplugged and plugged again.
      guard !chosen.isEmpty else {
        throw twoMachines(tasks[owner], tasks[index], "two tasks that are both vCPU \(vcpu)")
      }
    }
    owners[vcpu] = index
    ownerNumbers[vcpu] = tasks[index].task
    tasks[index].vcpu = vcpu
  }

  private func twoMachines(_ one: RecordedLog.Task, _ two: RecordedLog.Task, _ what: String) -> WriterFlaw {
    let keys = [one, two].map { "--task \(($0.process ?? $0.task))" }
    return .log(
      Flaw(
        found: "\(what), \(Self.text(one)) and \(Self.text(two))", expected: "the log of one virtual machine or process"
      ),
      remedy: "choose one with \(keys[0]) or \(keys[1]) (repeat --task for every vCPU's task of one machine)")
  }

  /// Every task whose stores are in the trace; nil for none.
  var list: [RecordedLog.Task]? {
    guard !tasks.isEmpty else { return nil }
    return zip(tasks, stores).map { task, stores in
      var counted = task
      counted.stores = stores
      return counted
    }
  }

  /// What was there instead of the tasks that were chosen.
  var othersText: String { others.map(Self.text).joined(separator: ", ") }

  private static func task(_ name: Name) -> RecordedLog.Task {
    RecordedLog.Task(
      task: name.task, process: name.process,
      name: name.name.isEmpty ? nil : String(decoding: name.name.prefix(64), as: UTF8.self))
  }

  private static func text(_ task: RecordedLog.Task) -> String {
    "task \(task.task)" + (task.process.map { " of process \($0)" } ?? "") + (task.name.map { " (\($0))" } ?? "")
  }
}
