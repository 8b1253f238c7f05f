import Addresses
import GuestIntegrity
import Recordings

/// What a policy must know of a recording before the replay begins: one pass over its events.
struct RecordingSurvey {
  /// How the recorded driver registers; nil where the recording has no driver.
  private(set) var registration: Hypercall?
  /// Page numbers of the guest's top-level page tables: where CR3 pointed.
  private(set) var topLevelTables: Set<UInt64> = []
  /// The marks that occur.
  private(set) var marks: Set<UInt64> = []

  init(_ reader: RecordingReader) throws {
    let buffer = RecordingBlock()
    for block in reader.blocks.indices {
      try reader.read(block: block, into: buffer)
      for placed in buffer.events {
        switch placed.event {
        case .hypercall(let call):
          if registration == nil, call.number == HypercallNumber.initialise.rawValue { registration = Hypercall(call) }
          add(cr3: call.cr3)
        case .cr3(let load): add(cr3: load.value)
        case .map(let mapping): add(cr3: mapping.cr3)
        case .mark(let mark): marks.insert(mark.id)
        case .halt, .control: break
        }
      }
    }
  }

  /// Bits 51:12 of CR3 (SDM vol. 3A, "Use of CR3 with 4-Level Paging and 5-Level Paging"); 0 stands for no table.
  private mutating func add(cr3: UInt64) {
    let page = (cr3 & 0xf_ffff_ffff_f000) >> 12
    if page != 0 { topLevelTables.insert(page) }
  }

  /// The mark of this name or number.
  func mark(_ name: String, in recording: RecordingDescription, path: String) throws -> UInt64 {
    let named = recording.marks.first { $0.name == name }?.id ?? UInt64(name)
    guard let named else {
      let names = recording.marks.map(\.name)
      throw ReplayError("\(path): no mark is named '\(name)'; \(Nearest.advice(for: name, in: names))")
    }
    guard marks.contains(named) else {
      throw ReplayError("\(path): mark '\(name)' never occurs, so nothing would ever be armed; name a mark that does")
    }
    return named
  }
}
