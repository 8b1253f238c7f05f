/// What ftrace, trace-cmd and perf write where they lost events.
enum LostEvents {
  /// Reads such a line; false for any other.
  static func read(_ line: UnsafeRawBufferPointer, into sink: inout ImportSink) -> Bool {
    var scanner = TextScanner(line)
    // `CPU:2 [LOST 48211 EVENTS]` (ftrace), `CPU:2 [48211 EVENTS DROPPED]` (trace-cmd), both also without the number.
    if scanner.take("CPU:") {
      guard scanner.decimal() != nil, scanner.take(" [") else { return false }
      let isKernel = scanner.take("LOST ")
      let count = scanner.decimal()
      scanner.skipSpaces()
      guard scanner.take(isKernel ? "EVENTS]" : "EVENTS DROPPED]") else { return false }
      sink.lost(count)
      return true
    }
    // `# entries-in-buffer/entries-written: 9/12   #P:4`: the older ones were overwritten.
    if scanner.take("# entries-in-buffer/entries-written: ") {
      if let kept = scanner.decimal(), scanner.take(0x2f), let written = scanner.decimal(), written > kept {
        sink.lost(written - kept)
      }
      return true
    }
    // `... PERF_RECORD_LOST lost 48211` (`perf script --show-lost-events`).
    if scanner.find("PERF_RECORD_LOST") {
      sink.lost(scanner.find("lost ") ? scanner.decimal() : nil)
      return true
    }
    // `Processed 1234 events and lost 5 chunks!`: a chunk is any number of events.
    if scanner.take("Processed ") {
      if scanner.find(" events and lost ") { sink.lost(nil) }
      return true
    }
    return false
  }
}
