import Addresses
import Foundation

/// Writes a trace as the comma-separated values that `CSVLines` reads; read again, they give the same records.
public enum CSVExport {
  /// Writes to `path`; `-` is standard output.
  public static func write(_ reader: RecordingReader, to path: String) throws {
    let columns = reader.header.columnSet
    let output = try TextOutput(path: path)
    try describe(reader.header.recording, to: output)
    let more = columns.intersection(.ofVersion2).columns.map(\.name)
    if !more.isEmpty { try output.put("\(CSVLines.columnsMark)\(more.joined(separator: ","))\n") }
    try output.put(
      CSVLines.names + (columns.contains(.linearPages) ? ",gva" : "")
        + (columns.contains(.instructionPointers) ? ",rip" : "") + (columns.contains(.values) ? ",value" : "")
        + ",rest\n")
    try reader.forEachRecord { record in
      switch record {
      case .write(let write): put(write, hasValues: columns.contains(.values), output)
      case .event(let event): try put(event, output)
      case .accesses(let accesses): try put(accesses, output)
      }
      try output.endRecord()
      return true
    }
    try output.finish()
  }

  /// What an imported log is, in lines that the import takes back; a recording of a guest is described by a file of its own.
  private static func describe(_ recording: RecordingDescription, to output: TextOutput) throws {
    guard recording.origin == .imported, recording.log != nil || recording.addresses != .guestPhysical else { return }
    for caution in recording.cautions { try output.put("# \(caution)\n") }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let json = String(decoding: try encoder.encode(recording.withoutTables), as: UTF8.self)
    try output.put("\(CSVLines.recordingMark)\(json)\n")
  }

  private static func put(_ write: RecordedWrite, hasValues: Bool, _ output: TextOutput) {
    output.put(fixed: "write,")
    output.put(decimal: UInt64(write.vcpu))
    output.put(0x2c)
    output.put(decimal: write.count)
    output.put(0x2c)
    output.put(hexadecimal: write.gpa.rawValue)
    output.put(0x2c)
    output.put(decimal: UInt64(write.size))
    if let linear = write.gva { put(linear.rawValue, output) }
    if let pointer = write.rip { put(pointer.rawValue, output) }
    if hasValues {
      output.put(0x2c)
      if let value = write.value { put(value, output) }
    }
    output.put(0x2c)
    if let rest = write.rest { output.put(decimal: rest.rawValue) }
  }

  private static func put(_ field: UInt64, _ output: TextOutput) {
    output.put(0x2c)
    output.put(hexadecimal: field)
  }

  private static func put(_ value: StoredValue, _ output: TextOutput) {
    output.put(hexadecimal: value.high != 0 ? value.high : value.low)
    if value.high != 0 { output.put(digits: value.low, count: 16) }
  }

  private static func put(_ accesses: RecordedAccesses, _ output: TextOutput) throws(RecordingError) {
    try output.put("\(accesses.kind.rawValue),\(accesses.vcpu),\(accesses.count),")
    output.put(hexadecimal: accesses.page.rawValue << 12)
    try output.put(",\(accesses.accesses)")
    if let linear = accesses.linearPage { put(linear << 12, output) }
  }

  private static func put(_ event: RecordedEvent, _ output: TextOutput) throws(RecordingError) {
    let kind: String
    let fields: [UInt64]
    switch event {
    case .hypercall(let call):
      kind = "hypercall"
      fields = [
        call.number, call.arguments.rdi, call.arguments.rsi, call.arguments.rdx, call.arguments.r10, call.rip.rawValue,
        call.ripAddress.rawValue, call.rflags, UInt64(call.cpl), call.cr3,
      ]
    case .cr3(let load): (kind, fields) = ("cr3", [load.value])
    case .map(let map):
      kind = "map"
      let tables = map.tables.map { [$0.pml4e, $0.pdpte, $0.pde] } ?? []
      fields = [map.cr3, map.linear.rawValue, UInt64(map.pageShift), map.entry] + tables
    case .mark(let mark): (kind, fields) = ("mark", [mark.id, mark.rip.rawValue])
    case .halt: (kind, fields) = ("halt", [])
    case .control(let change): (kind, fields) = ("control", [change.register.rawValue, change.value])
    }
    try output.put("\(kind),\(event.vcpu),\(event.count)")
    for field in fields { put(field, output) }
  }
}
