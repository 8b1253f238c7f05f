/// One answer of the walk protocol, taken apart.
struct Answer: Equatable {
  /// What the answer says, without memory and log: `VIOL qual=18a gpa=5123 gla=5123`.
  let head: String
  /// Memory written, in the order told.
  let writes: [(address: UInt64, value: UInt64)]
  /// What follows ` |pml=`.
  let log: String

  init(head: String, writes: [(address: UInt64, value: UInt64)], log: String) {
    self.head = head
    self.writes = writes
    self.log = log
  }

  init(_ line: Substring) {
    var rest = line
    func take(after mark: String) -> Substring? {
      guard let found = rest.range(of: mark) else { return nil }
      defer { rest = rest[..<found.lowerBound] }
      return rest[found.upperBound...]
    }
    log = take(after: " |pml=").map(String.init) ?? ""
    writes = (take(after: " |W") ?? "").split(separator: " ").compactMap { write in
      let parts = write.split(separator: "=").compactMap { UInt64($0, radix: 16) }
      return parts.count == 2 ? (parts[0], parts[1]) : nil
    }
    // That a sub-page permission allowed the write cannot be seen from outside.
    head = String(rest.hasSuffix(" spp") ? rest.dropLast(4) : rest)
  }

  /// `OK`, `VIOL`, `MISC` …
  var kind: Substring { head.prefix { $0 != " " } }

  /// A field of the head in hexadecimal.
  func field(_ name: String) -> UInt64? {
    head.split(separator: " ").first { $0.hasPrefix(name + "=") }.flatMap {
      UInt64($0.dropFirst(name.count + 1), radix: 16)
    }
  }

  /// The words that end up other than they were: an order cannot be seen in memory, nor a store of what was there.
  func changes(of memory: [UInt64: UInt64]) -> [UInt64: UInt64] {
    var last: [UInt64: UInt64] = [:]
    for write in writes { last[write.address] = write.value }
    return last.filter { memory[$0.key, default: 0] != $0.value }
  }

  static func == (a: Answer, b: Answer) -> Bool {
    a.head == b.head && a.log == b.log && a.writes.elementsEqual(b.writes) { $0 == $1 }
  }
}
