/// What stands before an event's name in the text of ftrace, `trace-cmd report` and `perf script`:
///
/// ```
///     CPU 0/KVM-2101    [002] ...1.   311.400121: kvm_page_fault: ...          ftrace
///     CPU 0/KVM-2105 (   2101) [002] ...1.   311.400121: kvm_page_fault: ...   ftrace, option record-tgid
///     CPU 0/KVM-2101  [002]   311.400121: kvm_page_fault:       ...            trace-cmd report
///     CPU 0/KVM  2101 [002]   311.400121: kvm:kvm_page_fault: ...              perf script
///     CPU 0/KVM  2101/2105  [002]   311.400121:    kvm:kvm_page_fault: ...     perf script -F +tid
/// ```
///
/// Names hold blanks and dashes, so all is read from the right.
struct TraceLineHead {
  /// Nanoseconds, or the ticks of a clock that has no fraction.
  let time: UInt64
  /// Whether the time has a fraction, and so is in seconds.
  let isSeconds: Bool
  /// The thread, if its number is there.
  let task: LogTasks.Name?

  /// Reads what stands before the event's name.
  init(_ text: UnsafeRawBufferPointer) throws(WriterFlaw) {
    var rest = TextScanner(text)
    rest.trimEnd()
    if rest.takeLast("kvm:") { rest.trimEnd() }
    let expected = "SECONDS.FRACTION: before the event"
    guard rest.takeLast(0x3a) else { throw .line("no time", expected) }
    var clock = TextScanner(rest.lastField(behind: 0x20))
    guard let seconds = clock.decimal() else { throw .line("no time", expected) }
    if clock.isAtEnd {
      (time, isSeconds) = (seconds, false)
    } else {
      guard seconds < 1 << 32, clock.take(0x2e) else { throw .line("no time", expected) }
      let digits = clock.count
      guard digits <= 9, var fraction = clock.decimal(), clock.isAtEnd else { throw .line("no time", expected) }
      for _ in digits..<9 { fraction *= 10 }
      (time, isSeconds) = (seconds * 1_000_000_000 + fraction, true)
    }
    task = Self.task(&rest)
  }

  private static func task(_ rest: inout TextScanner) -> LogTasks.Name? {
    // The CPU, and flags behind it.
    _ = rest.dropLast(from: 0x5b)
    rest.trimEnd()
    var process: UInt64?
    if rest.takeLast(0x29) {
      process = rest.lastNumber()
      guard rest.dropLast(from: 0x28) else { return nil }
      rest.trimEnd()
    }
    guard let task = rest.lastNumber() else { return nil }
    if rest.takeLast(0x2f) {
      process = rest.lastNumber()
      guard process != nil else { return nil }
    } else if !rest.takeLast(0x2d), !rest.isAtEnd {
      guard rest.takeLast(0x20) || rest.takeLast(0x09) else { return nil }
    }
    rest.trimEnd()
    rest.skipSpaces()
    // What ftrace writes where it has forgotten the name.
    if rest.takeLast("<...>") { rest.drop(rest.count) }
    return LogTasks.Name(task: task, process: process, name: rest.remaining)
  }
}
