import Foundation

@testable import Recordings

/// Trace files: any bytes, and traces whose columns and header were changed with every checksum put right again.
struct TraceFuzz: FuzzTarget {
  private let folder = Folder()
  private let sound: [UInt8]
  private let changed: String
  private let raw: String

  init() {
    changed = folder.file("changed.trace")
    raw = folder.file("raw.trace")
    do {
      try Sample.write(
        Sample.records(120, seed: 1), to: changed, options: .init(columns: .all, level: 1, runsPerBlock: 60))
      sound = [UInt8](try Data(contentsOf: URL(filePath: changed)))
    } catch { fatalError("no trace to start from: \(error)") }
  }

  var seeds: [[UInt8]] {
    var seeds: [[UInt8]] = [[0], [0] + sound, [0] + sound.prefix(200)]
    for column in UInt8(0)..<8 { seeds.append([1, column, 0, 5, 0, 4, 1, 2, 3, 4]) }
    seeds.append([2, 0, 1, 0, 0, 0, 0, 0, 0, 0])
    return seeds
  }

  func read(_ input: UnsafeRawBufferPointer) {
    var numbers = InputNumbers(input)
    if numbers.next(UInt8.self) & 1 == 0 {
      store([UInt8](input.dropFirst()), raw)
      readAll(raw, salvage: false)
      readAll(raw, salvage: true)
      return
    }
    store(sound, changed)
    // Which places of which decoded columns get which bytes; a column may also be cut or drawn out.
    var edits: [Int: [(offset: Int, bytes: [UInt8])]] = [:]
    var lengths: [Int: Int] = [:]
    while !numbers.isEmpty {
      let column = Int(numbers.next(UInt8.self))
      let offset = numbers.below(1 << 12)
      let count = numbers.next(UInt8.self)
      if count == 255 {
        lengths[column % 32] = offset
      } else {
        edits[column % 32, default: []].append((offset, Array(numbers.bytes(Int(count)))))
      }
    }
    do {
      try Forge.rebuild(changed) { block, column, decoded in
        let place = (block * 16 + Int(column.rawValue)) % 32
        if let length = lengths[place] {
          decoded = Array((decoded + [UInt8](repeating: 7, count: length)).prefix(length))
        }
        for (offset, bytes) in edits[place] ?? [] {
          for (index, byte) in zip(offset..<max(offset, decoded.count), bytes) { decoded[index] = byte }
        }
      }
    } catch { fatalError("the trace could not be forged: \(error)") }
    readAll(changed, salvage: false)
  }

  private func store(_ bytes: [UInt8], _ path: String) {
    guard FileManager.default.createFile(atPath: path, contents: Data(bytes)) else { fatalError("no room at \(path)") }
  }

  /// Opens, decodes every column, looks at every record and checks the whole; errors are sentences.
  private func readAll(_ path: String, salvage: Bool) {
    do {
      let reader = try RecordingReader(path: path, salvage: salvage)
      let totals = reader.header.totals
      try reader.forEachRecord { record in
        if case .write(let write) = record {
          precondition(write.gpa.page.rawValue < totals.pageLimit && write.vcpu < totals.vcpus)
          precondition((1...2 * Place.maximumSize).contains(write.size))
        }
        return true
      }
      let block = RecordingBlock()
      for number in reader.blocks.indices {
        try reader.read(block: number, columns: .runs, into: block)
        let pages = PageSelection()
        for run in block.runs.indices.reversed() {
          for place in try block.accesses(ofRun: run, among: pages) { precondition(place.offset + place.size <= 4096) }
        }
      }
      if !salvage { _ = try RecordingCheck.findings(in: reader) }
    } catch let error as RecordingError {
      precondition(!error.description.contains("\n"), error.description)
    } catch { fatalError("\(type(of: error)) came from reading a trace: \(error)") }
  }
}
