import Foundation

/// Writes a trace as the lines of JSON that `JSONLines` reads; read again, they give the same records.
public enum JSONLinesExport {
  private struct FirstLine: Encodable {
    var log = 1
    var columns: [String]
    var recording: RecordingDescription
  }

  /// Writes to `path`; `-` is standard output.
  public static func write(_ reader: RecordingReader, to path: String) throws {
    let output = try TextOutput(path: path)
    let columns = reader.header.columnSet
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let optional = columns.subtracting(.always).columns.map(\.name)
    let header = FirstLine(columns: optional, recording: reader.header.recording.withoutTables)
    try output.put(String(decoding: try encoder.encode(header), as: UTF8.self) + "\n")
    try reader.forEachRecord { record in
      switch record {
      case .write(let write): put(write, output)
      case .event(let event): try put(event, output)
      case .accesses(let accesses): put(accesses, output)
      }
      try output.endRecord("}\n")
      return true
    }
    try output.finish()
  }

  private static func put(_ write: RecordedWrite, _ output: TextOutput) {
    start("{\"kind\":\"write\",\"vcpu\":", UInt64(write.vcpu), write.count, output)
    put(",\"gpa\":", hexadecimal: write.gpa.rawValue, output)
    output.put(fixed: ",\"size\":")
    output.put(decimal: UInt64(write.size))
    if let gva = write.gva { put(",\"gva\":", hexadecimal: gva.rawValue, output) }
    if let rip = write.rip { put(",\"rip\":", hexadecimal: rip.rawValue, output) }
    if let value = write.value {
      output.put(fixed: ",\"value\":\"")
      output.put(hexadecimal: value.high != 0 ? value.high : value.low)
      if value.high != 0 { output.put(digits: value.low, count: 16) }
      output.put(0x22)
    }
    if let rest = write.rest {
      output.put(fixed: ",\"rest\":")
      output.put(decimal: rest.rawValue)
    }
  }

  private static func put(_ accesses: RecordedAccesses, _ output: TextOutput) {
    let kind: StaticString =
      accesses.kind == .load ? "{\"kind\":\"load\",\"vcpu\":" : "{\"kind\":\"fetch\",\"vcpu\":"
    start(kind, UInt64(accesses.vcpu), accesses.count, output)
    put(",\"gpa\":", hexadecimal: accesses.page.rawValue << 12, output)
    output.put(fixed: ",\"accesses\":")
    output.put(decimal: UInt64(accesses.accesses))
    if let linear = accesses.linearPage { put(",\"gva\":", hexadecimal: linear << 12, output) }
  }

  private static func put(_ event: RecordedEvent, _ output: TextOutput) throws(RecordingError) {
    let kind: StaticString
    let fields: [(StaticString, UInt64)]
    switch event {
    case .hypercall(let call):
      kind = "{\"kind\":\"hypercall\",\"vcpu\":"
      fields = [
        (",\"number\":", call.number), (",\"rdi\":", call.arguments.rdi), (",\"rsi\":", call.arguments.rsi),
        (",\"rdx\":", call.arguments.rdx), (",\"r10\":", call.arguments.r10), (",\"rip\":", call.rip.rawValue),
        (",\"ripgpa\":", call.ripAddress.rawValue), (",\"rflags\":", call.rflags), (",\"cpl\":", UInt64(call.cpl)),
        (",\"cr3\":", call.cr3),
      ]
    case .cr3(let load): (kind, fields) = ("{\"kind\":\"cr3\",\"vcpu\":", [(",\"cr3\":", load.value)])
    case .map(let map):
      kind = "{\"kind\":\"map\",\"vcpu\":"
      var parts: [(StaticString, UInt64)] = [
        (",\"cr3\":", map.cr3), (",\"linear\":", map.linear.rawValue), (",\"shift\":", UInt64(map.pageShift)),
        (",\"entry\":", map.entry),
      ]
      if let tables = map.tables {
        parts += [(",\"pml4e\":", tables.pml4e), (",\"pdpte\":", tables.pdpte), (",\"pde\":", tables.pde)]
      }
      fields = parts
    case .mark(let mark):
      (kind, fields) = ("{\"kind\":\"mark\",\"vcpu\":", [(",\"id\":", mark.id), (",\"rip\":", mark.rip.rawValue)])
    case .halt: (kind, fields) = ("{\"kind\":\"halt\",\"vcpu\":", [])
    case .control(let change):
      kind = "{\"kind\":\"control\",\"vcpu\":"
      fields = [(",\"register\":", change.register.rawValue), (",\"value\":", change.value)]
    }
    start(kind, UInt64(event.vcpu), event.count, output)
    for (name, value) in fields { put(name, hexadecimal: value, output) }
  }

  private static func start(_ kind: StaticString, _ vcpu: UInt64, _ count: UInt64, _ output: TextOutput) {
    output.put(fixed: kind)
    output.put(decimal: vcpu)
    output.put(fixed: ",\"count\":")
    output.put(decimal: count)
  }

  private static func put(_ name: StaticString, hexadecimal value: UInt64, _ output: TextOutput) {
    output.put(fixed: name)
    output.put(0x22)
    output.put(hexadecimal: value)
    output.put(0x22)
  }
}

extension RecordingDescription {
  /// The description without the tables that may be too long for a line.
  var withoutTables: RecordingDescription {
    var description = self
    (description.symbols, description.regions, description.groundTruth) = ([], [], [])
    if description.marks.count > 500 { description.marks = [] }
    return description
  }
}
